"""What `data/survivorship/person.yml` can say: what each feed claims of a person, and whose word counts for what.

The shapes of the declaration and what follows from them. Reading and checking the file is done by
`checks`, reading the claims by `claims`, merging them by `merge`.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DATED = re.compile(r"\bas_of\b")
OneWord = Field(min_length=1, max_length=1)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attribute(_Strict):
    """One attribute of a person. `compare` is SQL over it: what feeds must say alike to agree; None is the value."""

    type: Literal["varchar", "date", "boolean"]
    direct: bool = False
    compare: str | Literal[False] | None = None
    periods: bool = True


class Group(_Strict):
    """Attributes with one order of sources, one rule and one way of being true in time."""

    name: str
    feeds: tuple[str, ...] = Field(min_length=1)
    attributes: tuple[str, ...] = Field(min_length=1)
    rule: Literal["first"] | Annotated[dict[Literal["together", "newest"], str], OneWord]
    confirms: tuple[str, ...] = ()
    agree: str | None = None
    time: Literal["always", "delivery"] | Annotated[dict[Literal["event", "seen"], str], OneWord]

    @property
    def kind(self) -> str:
        """first, together or newest."""
        return self.rule if isinstance(self.rule, str) else str(*self.rule)

    @property
    def by(self) -> str | None:
        """The claim that decides for the whole group; None where each attribute goes by itself."""
        return None if isinstance(self.rule, str) else next(iter(self.rule.values()))

    @property
    def dating(self) -> str:
        """always, delivery, event or seen."""
        return self.time if isinstance(self.time, str) else str(*self.time)

    @property
    def since(self) -> str | None:
        """The claim that dates the value; None where the feeds do not."""
        return None if isinstance(self.time, str) else next(iter(self.time.values()))

    @property
    def helpers(self) -> dict[str, str]:
        """Claims the rule needs beside the attributes, with their types."""
        found = {self.by: "date" if self.kind == "newest" else "varchar", self.agree: "varchar", self.since: "date"}
        return {name: kind for name, kind in found.items() if name is not None and name not in self.attributes}


class Who(_Strict):
    """A column of the lake that holds a person's id, and what the row says of that person alone."""

    person: str = "person_id"
    state: dict[str, str] = {}


class Claim(_Strict):
    """What one feed says of people, as SQL expressions over its columns."""

    feed: str
    claim: str | None = None
    people: tuple[Who, ...] = (Who(),)
    let: dict[str, str] = {}
    where: str | None = None
    same: tuple[str, ...] = ()
    state: dict[str, str] = {}
    order: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Feed, and the claim's name where the feed has several."""
        return f"{self.feed}.{self.claim}" if self.claim else self.feed

    def said_of(self, who: Who) -> dict[str, str]:
        """Attribute or helper → expression, of one of the row's people."""
        return {name: name for name in self.same} | self.state | who.state

    @property
    def names(self) -> tuple[str, ...]:
        """Everything the claim states of any of its people, in order of the file."""
        return tuple(dict.fromkeys(name for who in self.people for name in self.said_of(who)))

    @property
    def is_dated(self) -> bool:
        """Whether the same rows may say something else on another date."""
        texts = [*self.let.values(), *self.order, self.where or "", *self.state.values()]
        return any(DATED.search(text) for text in [*texts, *(t for w in self.people for t in w.state.values())])


class Rules(_Strict):
    """The whole declaration, cross-checked."""

    base: tuple[str, ...] = Field(min_length=1)
    attributes: dict[str, Attribute]
    groups: tuple[Group, ...]
    claims: tuple[Claim, ...]
    silent: dict[str, str] = {}

    @property
    def types(self) -> dict[str, str]:
        """Attributes and helpers with their types."""
        return {n: a.type for n, a in self.attributes.items()} | {
            name: kind for group in self.groups for name, kind in group.helpers.items()
        }

    @property
    def merged(self) -> tuple[str, ...]:
        """The attributes in order of their groups."""
        return tuple(name for group in self.groups for name in group.attributes)

    @property
    def tracked(self) -> dict[str, Group]:
        """The attributes of which intervals are kept, with their groups."""
        return {
            name: group
            for group in self.groups
            if group.dating != "always"
            for name in group.attributes
            if self.attributes[name].periods
        }

    def is_compared(self, attribute: str) -> bool:
        """Whether feeds that say different things of an attribute contradict each other."""
        return self.attributes[attribute].compare is not False

    def speaker(self, feed: str, group: Group) -> Claim | None:
        """The claim by which a feed speaks about a group."""
        mine = (c for c in self.claims if c.feed == feed and set(c.names) & set(group.attributes))
        return next(mine, None)

    def only(self, feeds: Iterable[str]) -> "Rules":
        """The same rules with fewer feeds; groups without any are left without a value."""
        kept = set(feeds)
        groups = tuple(g.model_copy(update={"feeds": tuple(f for f in g.feeds if f in kept)}) for g in self.groups)
        return self.model_copy(
            update={"groups": groups, "claims": tuple(c for c in self.claims if c.feed in kept), "silent": {}}
        )
