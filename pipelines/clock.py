"""The one clock of the house: which day it is where the district lies. A leaf.

Nothing that is published depends on it. It is asked at the edge only: what is dated later than today is set aside, and
a schedule knows its day.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

TIME_ZONE = "Asia/Shanghai"


def today() -> date:
    """Today's date in Shanghai, whatever the machine's own zone is."""
    return datetime.now(ZoneInfo(TIME_ZONE)).date()
