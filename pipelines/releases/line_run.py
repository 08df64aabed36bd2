"""The run as the whole line holds it: exclusive, and with the fingerprint of what its release is made from.

Whoever starts a run (the command line, a sensor, a schedule, a backfill, the UI), the fingerprint is taken here, under
the run's lock and before its first step, so that the next one can tell that nothing is new.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from pipelines import keys
from pipelines.orchestration import MADE_OF_TAG, RunResource
from pipelines.releases.standing import made_of


class LineRun(RunResource):
    """A run that knows what it is made from."""

    _made_of: str = PrivateAttr(default="")

    @property
    def made_of(self) -> str:
        """The fingerprint that the release of this run bears."""
        return self._made_of

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RunResource"]:
        """`RunResource`'s, and the fingerprint: a run that goes on from a failure keeps that of the first one."""
        with super().yield_for_execution(context) as held:
            dagster_run, instance = context.run, context.instance
            assert dagster_run is not None and instance is not None
            root = instance.get_run_by_id(dagster_run.root_run_id) if dagster_run.root_run_id else None
            known = root.tags.get(MADE_OF_TAG, "") if root else ""
            keys.ids(self.settings)
            self._made_of = known or made_of(self.settings, self.run.as_of)
            instance.add_run_tags(dagster_run.run_id, {MADE_OF_TAG: self._made_of})
            yield held
