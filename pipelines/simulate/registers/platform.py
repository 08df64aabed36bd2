"""What the platform's own modules record: accounts, receipts, posts, reports, service (behind I02 to I11 and I13).

Things that happen are drawn day by day and keep their number; standing records of a person (account, volunteer, points)
move on a rhythm of that person's own, so that yesterday's delivery and today's agree. Each function gives rows as known
at the end of a day: all of them where `whole`, else those new or changed on the day. `row` is the record's number and
`uid` the person (-1: nobody).
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, dates, events, gather, level, persons_of, stamp, texts

_YES = np.array(["否", "是"], dtype=object)


class _Happened:
    """Events of a module with their person, village and moment; the base of every increment."""

    def __init__(self, world: World, module: str, day: date, a_year: float, back: int):
        self.world = world
        self.row, self.at = events(world, module, day, back, a_year)
        self.draws = Draws(world.seed, module, self.row)
        self.uid = persons_of(world, self.draws, self.at)
        self.today = days.number(day)
        self.second = self.draws.whole("second", 25_200, 79_200)
        village = world.people["village"].to_numpy()[np.maximum(self.uid, 0)].astype(np.int64)
        drawn = self.draws.whole("village", 0, len(world.villages))
        self.is_away = (self.uid >= 0) & (village < 0)
        self.home = np.where((self.uid >= 0) & (village >= 0), village, drawn)
        self.village = world.villages["village_code"].gather(self.home)
        self.number = gather(world.people["cert_no"], self.uid)

    def meet(self, uid: np.ndarray) -> None:
        """Other people than were drawn: theirs are the number and the village."""
        village = self.world.people["village"].to_numpy()[np.maximum(uid, 0)].astype(np.int64)
        self.uid, self.is_away = uid, (uid >= 0) & (village < 0)
        self.home = np.where((uid >= 0) & (village >= 0), village, self.home)
        self.village = self.world.villages["village_code"].gather(self.home)
        self.number = gather(self.world.people["cert_no"], uid)

    def frame(self, columns: dict[str, pl.Series], whole: bool, *changed: np.ndarray) -> pl.DataFrame:
        """The records; those of the day only, unless the whole is wanted."""
        frame = pl.DataFrame({"row": self.row, "uid": self.uid, **columns})
        if whole:
            return frame
        today = self.at == self.today
        for of in changed:
            today |= of == self.today
        return frame.filter(pl.Series(today))

    def later(self, label: str, least: int, most: int, chance: float = 1.0) -> np.ndarray:
        """A day after the event, `NONE` where it has not come yet or never comes."""
        day = self.at + self.draws.whole(label, least, most)
        return np.where((day <= self.today) & (self.draws.share(f"{label}.ever") < chance), day, days.NONE)

    def moment(self, day: np.ndarray) -> pl.Series:
        """Moments on given days as text."""
        return stamp(day, self.second)

    def flag(self, label: str, chance: float) -> pl.Series:
        """是 or 否, by chance."""
        return texts(_YES[(self.draws.share(label) < chance).astype(int)])

    def code(self, letters: str) -> pl.Series:
        """The record's number under the module's letters."""
        return letters + pl.Series(self.row).cast(pl.String)


def mobilisation(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I02: one row a task and person told; what is not read is told again by telephone or at the door."""
    of = _Happened(world, "I02", day, 200_000, 90)
    read = of.later("read", 0, 3, 0.85)
    answered = np.where(read > days.NONE, of.later("answer", 2, 4, 0.6), days.NONE)
    reply = of.draws.pick("reply", ["已知晓", "已见面", "已转移", "需帮助", "拒绝", "不在本地"], [70, 15, 3, 4, 2, 6])
    reply = pl.select(pl.when(pl.Series(answered > days.NONE)).then(reply).otherwise(pl.lit(""))).to_series()
    columns = {
        "receiptNo": of.code("DY"),
        "taskNo": "RW" + pl.Series(of.at // 3).cast(pl.String),
        "idNo": of.number,
        "sentAt": of.moment(of.at),
        "deliveredAt": of.moment(np.where(of.draws.share("lost") < 0.95, of.at, days.NONE)),
        "readAt": of.moment(read),
        "repliedAt": of.moment(answered),
        "reply": reply,
        "channel": of.draws.pick("channel", ["app", "sms", "phone", "door"], [0.55, 0.3, 0.1, 0.05]),
    }
    return of.frame(columns, whole, read, answered)


def forum(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I03: one row an act on the notice board or in the deliberation hall."""
    of = _Happened(world, "I03", day, 150_000, 180)
    columns = {
        "actionNo": of.code("GK"),
        "postNo": "TZ" + pl.Series(of.home * 100 + of.at % 50).cast(pl.String),
        "kind": of.draws.pick("kind", ["公开", "议题", "通知"], [0.45, 0.3, 0.25]),
        "idNo": of.number,
        "village": of.village,
        "action": of.draws.pick("action", ["create", "read", "comment", "vote"], [0.02, 0.78, 0.06, 0.14]),
        "at": of.moment(of.at),
        "topic": of.draws.pick("topic", ["财务公开", "停车管理", "加装电梯", "环境整治", "垃圾分类", "文体活动"]),
    }
    return of.frame(columns, whole)


def reports(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I04: one row a resident's report; it becomes an order and is closed and rated."""
    of = _Happened(world, "I04", day, 30_000, 365)
    closed = of.later("closed", 1, 20, 0.97)
    rating = np.where((closed > days.NONE) & (of.draws.share("rates") < 0.6), of.draws.whole("rating", 1, 6), 0)
    kinds = ["环境卫生", "公共设施", "违法搭建", "安全隐患", "停车秩序", "噪声", "其他"]
    columns = {
        "reportNo": of.code("SP"),
        "idNo": of.number,
        "village": of.village,
        "category": of.draws.pick("category", kinds, [26, 20, 6, 10, 18, 10, 10]),
        "createdAt": of.moment(of.at),
        "orderNo": of.code("GD"),
        "closedAt": of.moment(closed),
        "rating": pl.Series(rating).cast(pl.String).replace("0", ""),
    }
    return of.frame(columns, whole, closed)


def mediation(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I05: one row a case brought to online mediation."""
    of = _Happened(world, "I05", day, 1_800, 365)
    closed = of.later("closed", 3, 40)
    result = of.draws.pick("result", ["成功", "未成", "撤回"], [0.8, 0.12, 0.08])
    columns = {
        "caseNo": of.code("HS"),
        "idNo": of.number,
        "village": of.village,
        "kind": of.draws.pick("kind", ["邻里", "婚姻家庭", "物业", "房屋宅基地", "劳动", "消费", "其他"]),
        "appliedAt": of.moment(of.at),
        "result": pl.select(
            pl.when(pl.Series(closed > days.NONE)).then(result).otherwise(pl.lit("办理中"))
        ).to_series(),
        "closedAt": of.moment(closed),
    }
    return of.frame(columns, whole, closed)


def _regulars(world: World, of: _Happened) -> np.ndarray:
    """Who books: of thirty people drawn the first who is old and among those who do; so it is mostly the same ones."""
    uid, found = of.uid, np.zeros(len(of.uid), dtype=bool)
    birth = world.people["birth"].to_numpy()
    for turn in range(30):
        drawn = persons_of(world, of.draws, of.at, f"regular.{turn}")
        someone = np.maximum(drawn, 0)
        books = Draws(world.seed, "I07.regulars", someone).share("books") < 0.4
        fits = ~found & (drawn >= 0) & (birth[someone] < of.at - 70 * 365) & books
        uid, found = np.where(fits, drawn, uid), found | fits
    return uid


def vendor(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I07: one row a booking with the mobile vendor, served within days."""
    of = _Happened(world, "I07", day, 80_000, 180)
    of.meet(_regulars(world, of))
    served = of.later("served", 1, 6, 0.95)
    items = ["蔬果", "日用品", "理发", "维修", "代缴代办", "义诊", "送药"]
    columns = {
        "bookingNo": of.code("HL"),
        "idNo": of.number,
        "village": of.village,
        "item": of.draws.pick("item", items, [30, 20, 15, 8, 10, 9, 8]),
        "bookedAt": of.moment(of.at),
        "servedAt": of.moment(served),
    }
    return of.frame(columns, whole, served)


def group_buying(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I10: one row an order with a leader of the neighbourhood."""
    of = _Happened(world, "I10", day, 80_000, 180)
    columns = {
        "orderNo": of.code("TG"),
        "idNo": of.number,
        "leaderNo": "TZ" + pl.Series(of.home * 4 + of.draws.whole("leader", 0, 4)).cast(pl.String),
        "village": of.village,
        "amount": pl.Series(of.draws.whole("amount", 500, 30_000) / 100).round(2).cast(pl.String),
        "at": of.moment(of.at),
        "complaint": of.flag("complaint", 0.01),
    }
    return of.frame(columns, whole)


def special_needs(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I11: one row a special need, dealt with within a day or two."""
    of = _Happened(world, "I11", day, 4_000, 365)
    closed = of.later("closed", 0, 4)
    status = np.select([closed > days.NONE, of.at < of.today], ["已办结", "处置中"], "待受理").astype(object)
    columns = {
        "needNo": of.code("XQ"),
        "idNo": of.number,
        "village": of.village,
        "kind": of.draws.pick("kind", ["配药", "就医", "物资", "婴幼", "其他"], [40, 25, 15, 8, 12]),
        "createdAt": of.moment(of.at),
        "closedAt": of.moment(closed),
        "status": texts(status),
    }
    return of.frame(columns, whole, closed, of.at + 1)


def codes(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I13: one row a printed code; a batch is a village and a day."""
    of = _Happened(world, "I13", day, 20_000, 180)
    columns = {
        "codeNo": of.code("HM"),
        "idNo": of.number,
        "batchNo": "PC" + pl.Series(of.at).cast(pl.String) + of.village.str.slice(6),
        "printedAt": of.moment(of.at),
        "printedBy": "GZ" + pl.Series(of.home).cast(pl.String),
        "needPaper": of.flag("paper", 0.35),
        "homeVisit": of.flag("visit", 0.08),
    }
    return of.frame(columns, whole)


class _Standing:
    """Standing records of people in their own rhythm: every `period` days something happens to each."""

    def __init__(self, world: World, module: str, day: date, share: float, longest: int):
        people = world.people.filter((pl.col("cert_kind") == "111") & (pl.col("mobile") != "") & pl.col("alive"))
        adult = people["birth"].to_numpy() < days.number(date(2008, 1, 1))
        self.people = people.filter(
            pl.Series(adult & (Draws(world.seed, module, people["uid"].to_numpy()).share("in") < share))
        )
        self.uid = self.people["uid"].to_numpy().astype(np.int64)
        self.draws = Draws(world.seed, module, self.uid)
        self.today = days.number(day)
        self.period = 3 + np.floor(self.draws.share("period") ** 2 * longest).astype(np.int64)
        self.last = self.today - (self.today + self.draws.whole("phase", 0, 400)) % self.period
        self.since = days.number(date(2022, 1, 1)) + self.draws.whole("since", 0, 1_400)
        self.times = (self.last - self.since) // self.period
        self.times_this_year = (
            np.maximum(self.last - np.maximum(self.since, days.number(date(day.year, 1, 1))), 0) // self.period
        )

    def frame(self, columns: dict[str, pl.Series], whole: bool) -> pl.DataFrame:
        """The records; those of the day only, unless the whole is wanted."""
        frame = pl.DataFrame({"row": self.uid, "uid": self.uid, **columns})
        return frame if whole else frame.filter(pl.Series(self.last == self.today))

    def whole_text(self, values: np.ndarray) -> pl.Series:
        """Whole numbers as text."""
        return pl.Series(values).cast(pl.Int64).cast(pl.String)


def volunteers(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I06: one row a volunteer; every service adds two hours."""
    of = _Standing(world, "I06", day, 0.075, 90)
    hours = 2 * np.maximum(of.times, 1)
    star = np.searchsorted([100, 300, 600, 1_000, 1_500], hours, side="right")
    columns = {
        "idNo": of.people["cert_no"],
        "registeredAt": dates(of.since),
        "totalHours": of.whole_text(hours),
        "yearHours": of.whole_text(2 * of.times_this_year),
        "star": of.whole_text(star),
        "skill": of.draws.pick(
            "skill", ["一般", "医疗", "法律", "教育", "心理", "维修", "文艺", "应急"], [70, 4, 2, 6, 2, 5, 7, 4]
        ),
        "lastServiceAt": dates(of.last),
        "captain": texts(_YES[(of.draws.share("captain") < 0.02).astype(int)]),
    }
    return of.frame(columns, whole)


def points(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I08: one row a points account; what was earned last year expires at the year's end."""
    of = _Standing(world, "I08", day, 0.2, 60)
    earned = 10 * of.times_this_year
    carried = of.draws.whole("carried", 0, 300)
    redeemed = of.draws.share("redeems") < 0.3
    columns = {
        "idNo": of.people["cert_no"],
        "balance": of.whole_text(carried + earned),
        "earnedYear": of.whole_text(earned),
        "redeemedAt": dates(np.where(redeemed, of.last, days.NONE)),
        "expireAt": dates(np.full(len(of.uid), days.number(date(day.year, 12, 31)))),
        "expirePoints": of.whole_text(carried),
        "anomalyScore": pl.Series(np.round(of.draws.share("anomaly") ** 8, 3)).cast(pl.String),
    }
    return of.frame(columns, whole)


def accounts(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I09: one row an account with its last login; workers of the villages among the residents."""
    of = _Standing(world, "I09", day, 0.45, 75)
    works = of.draws.share("works") < 0.006
    roles = ["书记", "主任", "委员", "社工", "网格员", "镇街", "部门", "管理员"]
    role = of.draws.pick("role", roles, [6, 6, 15, 40, 25, 4, 3, 1])
    age = days.ages(of.people["birth"].to_numpy(), day)
    columns = {
        "idNo": of.people["cert_no"],
        "kind": texts(np.where(works, "工作", "居民")),
        "realName": texts(_YES[(of.draws.share("real") < 0.93).astype(int)]),
        "registeredAt": dates(of.since),
        "lastLogin": dates(of.last),
        "loginDays30": of.whole_text(np.minimum(30 // of.period, 30)),
        "largeFont": texts(_YES[((age >= 60) & (of.draws.share("font") < 0.5)).astype(int)]),
        "proxyFor": of.whole_text((of.draws.share("proxy") < 0.05).astype(int)),
        "role": pl.select(pl.when(pl.Series(works)).then(role).otherwise(pl.lit(""))).to_series(),
    }
    return of.frame(columns, whole)


_ENTRIES = {
    "child_class": ["孤儿", "事实无人抚养", "留守", "监护风险"], "smartphone": ["是", "否"], "no_child": ["是", "否"],
    "elder_school": ["是", "否"], "assist": ["助餐", "助浴", "助洁"], "title": ["初级", "中级", "高级"],
    "skill_grade": ["初级工", "中级工", "高级工", "技师"], "street_shop": ["是", "否"], "banquet": ["1桌", "10桌"],
}  # fmt: skip


_AT_SCHOOL, _ASKED = 0.16, 0.30  # of the people over 60, at most by village; of them and of others, asked each year
_SCHOOL = 9_000_000_000_000  # numbers of these records, above those of any event


def ledger(world: World, day: date, whole: bool) -> pl.DataFrame:
    """I01: one row a field of a ledger filled in by somebody."""
    return pl.concat([_entries(world, day, whole), _elder_school(world, day, whole)])


def _elder_school(world: World, day: date, whole: bool) -> pl.DataFrame:
    """Whether older people go to the elders' school: a village asks some of them once a year, each on one day of it."""
    today = days.number(day)
    people = world.people.filter(
        (pl.col("cert_kind") == "111")
        & (pl.col("birth") < today - 61 * 366)
        & (pl.col("village") >= 0)
        & ((pl.col("reported") == days.NONE) | (pl.col("reported") > today))
        & (pl.col("from_day") <= today)
    )
    draws = Draws(world.seed, "I01.school", people["uid"].to_numpy())
    people = people.filter(pl.Series(draws.share("asked") < _ASKED))
    uid, village = people["uid"].to_numpy().astype(np.int64), people["village"].to_numpy().astype(np.int64)
    draws = Draws(world.seed, "I01.school", uid)
    at = today - (today + draws.whole("day", 0, 365)) % 365
    learns = draws.share("learns") < level(world, "school", village) * _AT_SCHOOL / _ASKED
    frame = pl.DataFrame(
        {
            "row": _SCHOOL + uid * 100 + at // 365 % 100,
            "uid": uid,
            "台账编号": pl.Series(["L41"] * len(uid), dtype=pl.String),
            "行号": "H" + pl.Series(_SCHOOL + uid * 100 + at // 365 % 100).cast(pl.String),
            "居村委": world.villages["name"].gather(village),
            "身份证号": people["cert_no"],
            "字段": pl.Series(["elder_school"] * len(uid), dtype=pl.String),
            "值": texts(_YES[learns.astype(int)]),
            "填报人": "GZ" + pl.Series(village * 3 + draws.whole("who", 0, 3)).cast(pl.String),
            "填报时间": stamp(at, draws.whole("second", 25_200, 79_200)),
            "已确认": texts(_YES[(draws.share("confirmed") < 0.9).astype(int)]),
            "来源": draws.pick("source", ["走访", "电话", "居民自报"], [0.6, 0.2, 0.2]),
        }
    )
    return frame if whole else frame.filter(pl.Series(at == today))


def _entries(world: World, day: date, whole: bool) -> pl.DataFrame:
    """What is filled in day by day."""
    of = _Happened(world, "I01", day, 20_000, 120)
    pairs = [(field, value) for field, values in _ENTRIES.items() for value in values]
    place = of.draws.whole("entry", 0, len(pairs))
    columns = {
        "台账编号": "L" + pl.Series(of.draws.whole("ledger", 1, 60)).cast(pl.String).str.zfill(2),
        "行号": of.code("H"),
        "居村委": world.villages["name"].gather(of.home),
        "身份证号": of.number,
        "字段": pl.Series([field for field, _ in pairs]).gather(place),
        "值": pl.Series([value for _, value in pairs]).gather(place),
        # A third of the cells the platform filled by itself from what it knew already.
        "填报人": pl.select(
            pl.when(pl.Series(of.draws.share("auto") < 0.33))
            .then(pl.lit("auto"))
            .otherwise("GZ" + pl.Series(of.home * 3 + of.draws.whole("who", 0, 3)).cast(pl.String))
        ).to_series(),
        "填报时间": of.moment(of.at),
        "已确认": of.flag("confirmed", 0.9),
        # Nobody is met at home who does not live here.
        "来源": pl.select(
            pl.when(pl.Series(of.is_away))
            .then(pl.lit("电话"))
            .otherwise(of.draws.pick("source", ["走访", "电话", "居民自报"], [0.6, 0.2, 0.2]))
        ).to_series(),
    }
    return of.frame(columns, whole)
