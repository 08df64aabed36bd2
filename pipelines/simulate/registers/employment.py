"""Work and unemployment of people of working age (behind F18). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_PERSONS = 690_000
_FIRMS_PER_PERSON = 1 / 30
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SECTIONS = {
    "A": "01",
    "C": "39",
    "E": "47",
    "F": "52",
    "G": "54",
    "H": "62",
    "I": "65",
    "L": "72",
    "O": "80",
    "P": "83",
    "Q": "84",
}
_WEIGHTS = [0.03, 0.34, 0.09, 0.17, 0.10, 0.07, 0.04, 0.06, 0.05, 0.03, 0.02]


def _firms(size: int) -> pl.Series:
    """Made-up credit codes of the test area 319902."""
    bodies = []
    for number in range(size):
        digits = ""
        for _ in range(7):
            number, place = divmod(number, len(_LETTERS))
            digits = _LETTERS[place] + digits
        bodies.append(f"91319902MA{digits}")
    return pl.Series(numbers.uscc(bodies))


def build(world: World, day: date) -> pl.DataFrame:
    """One row a person: uid, then the columns of F18 as text."""
    people = citizens(world, day)
    age = days.ages(people["birth"].to_numpy(), day)
    works = (people["work"] > 0).to_numpy()
    local = (people["book"] >= 0).to_numpy()
    weight = np.select([(age < 16) | (age > 70), works, local & (age < 60)], [0, 3.0, 1.5], 0.15)
    people = draws.some(people, world.seed, "job", weight, draws.count(_PERSONS, world.scale))
    uid, work = people["uid"].to_numpy(), people["work"].to_numpy()
    d, today = Draws(world.seed, "job", uid), days.number(day)
    age, local = days.ages(people["birth"].to_numpy(), day), (people["book"] >= 0).to_numpy()
    flexible = (work > 0) & (d.share("flexible") < 0.09)
    jobless = (work == 0) & (age < 60) & (d.share("jobless") < 0.35)
    status = np.select([flexible, work > 0, jobless, age >= 55], ["灵活就业", "就业", "失业", "退休"], "未登记")
    since = today - 10 - d.whole("since", 0, 2_500)
    registered = np.where(jobless, since + d.whole("delay", 0, 9), days.NONE)
    firms = _firms(max(round(_PERSONS * world.scale * _FIRMS_PER_PERSON), 5))
    employed = (work > 0) & ~flexible
    firm = np.where(employed, np.floor(d.share("firm") ** 2 * len(firms)).astype(np.int64), -1)
    section = np.searchsorted(np.cumsum(_WEIGHTS)[:-1], d.share("section"), side="right")
    industry = pl.Series([a + b for a, b in _SECTIONS.items()]).gather(section)
    hard = d.pick(
        "hard", ["大龄", "零就业家庭", "低保", "残疾", "离土农民", "长期失业"], [0.4, 0.05, 0.1, 0.1, 0.15, 0.2]
    )
    help_ = d.pick("help", ["岗位推荐", "职业指导", "培训", "创业", "公益岗"])
    village = np.where(people["village"] >= 0, people["village"], people["hukou_village"]).astype(np.int64)

    def where(mask: np.ndarray, values: pl.Series) -> pl.Series:
        return pl.select(pl.when(pl.Series(mask)).then(values).otherwise(pl.lit(""))).to_series()

    helped = jobless & (d.share("helped") < 0.7)
    return pl.DataFrame(
        {
            "uid": uid,
            "证件号码": people["cert_no"],
            "姓名": people["name"],
            "就业状态": draws.texts(status),
            "状态日期": draws.dates(since),
            "失业登记日期": draws.dates(registered),
            "就业困难类别": where(jobless & local & (d.share("hardship") < 0.3), hard),
            "用人单位": draws.gather(firms, firm),
            "行业代码": where(work > 0, industry),
            "职业代码": where(work > 0, pl.Series(work.astype(np.int64)).cast(pl.String) + "0000"),
            "培训项目": where(
                helped & (d.share("trained") < 0.3), d.pick("training", ["养老护理员", "电工", "家政服务", "电商"])
            ),
            "帮扶措施": where(helped, help_),
            "灵活就业": where(work > 0, draws.texts(np.where(flexible, "是", "否"))),
            "新就业形态类别": where(flexible, d.pick("gig", ["快递", "外卖", "网约车", "货车", "家政"])),
            "补贴项目": where(
                helped & (d.share("paid") < 0.4), d.pick("subsidy", ["失业保险金", "灵活就业社保补贴", "公益岗补贴"])
            ),
            "居村委": draws.gather(world.villages["name"], village),
        }
    )
