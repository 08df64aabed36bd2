"""Random rows of the feeds the index models read, beside the district's people and dwellings."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

AS_OF = date(2026, 10, 31)


def _when(rng: np.random.Generator, count: int, most_days: int = 500) -> list[datetime]:
    """Times up to the end of the date the run speaks about, some older than a year."""
    start = datetime(2026, 10, 31, 12)
    return [
        start - timedelta(days=int(d), minutes=int(m))
        for d, m in zip(rng.integers(0, most_days, count), rng.integers(0, 600, count), strict=True)
    ]


def _holes(rng: np.random.Generator, values: list, share: float) -> list:
    return [None if rng.random() < share else value for value in values]


def make_feeds(district: dict[str, pl.DataFrame], seed: int = 9) -> dict[str, pl.DataFrame]:
    """Staging tables by name; villages are those of the district, people its people."""
    rng = np.random.default_rng(seed)
    villages = [
        code
        for code in district["village"]["village_code"]
        if district["village"].filter(pl.col("village_code") == code)["n_res"].item()
    ]
    people = district["person"]["person_id"].to_list()
    pick = lambda words, count, p=None: rng.choice(words, count, p=p).tolist()  # noqa: E731
    village = lambda count: _holes(rng, pick(villages, count), 0.04)  # noqa: E731
    kinds = ["菜市场", "生鲜超市", "便利店", "早餐", "药店", "理发", "维修", "末端配送", "餐饮", "洗衣"]
    tables: dict[str, pl.DataFrame] = {}
    n = 60
    tables["stg_f19"] = pl.DataFrame(
        {
            "outlet_id": [f"o{i}" for i in range(n)],
            "kind": [kinds[i % 10] for i in range(n)],
            "village_code": village(n),
            "status": pick(["在营", "停业"], n, [0.85, 0.15]),
            "has_value_counter": pick([True, False], n),
            "price_index": _holes(rng, np.round(rng.uniform(90, 110, n), 1).tolist(), 0.2),
            "coordinate_system": ["WGS84"] * n,
            "lon": np.round(rng.uniform(121.1, 121.16, n), 6),
            "lat": np.round(rng.uniform(31.1, 31.12, n), 6),
        }
    )
    n = 200
    tables["stg_f32"] = pl.DataFrame(
        {
            "uscc": [f"c{i}" for i in range(n)],
            "village_code": village(n),
            "status": pick(["存续", "注销"], n, [0.8, 0.2]),
            "on_site": pick(["true", "false", "unknown"], n),
            "employees": _holes(rng, rng.integers(0, 3, n).tolist(), 0.1),
            "lic_kind": _holes(rng, pick(["食品经营", "食品生产", "特种行业"], n), 0.3),
            "lic_valid_to_on": _holes(rng, [d.date() + timedelta(days=300) for d in _when(rng, n)], 0.15),
            "penalty_on": _holes(rng, [d.date() for d in _when(rng, n, 800)], 0.6),
        }
    )
    n = 80
    tables["stg_f28"] = pl.DataFrame(
        {
            "village_code": village(n),
            "kind": pick(["投放点", "箱房", "公厕", "大件点"], n),
            # The last four are a month too old, or the current month that is not over.
            "month_on": [date(2025 + (9 + m % 12) // 12, (9 + m % 12) % 12 + 1, 1) for m in range(n - 4)]
            + [date(2025, 9, 1), date(2025, 9, 1), date(2026, 10, 1), date(2026, 10, 1)],
            "wet_t": _holes(rng, np.round(rng.uniform(1, 9, n), 2).tolist(), 0.1),
            "dry_t": np.round(rng.uniform(1, 9, n), 2),
            "recycle_t": np.round(rng.uniform(0, 2, n), 2),
            "purity": _holes(rng, np.round(rng.uniform(0.7, 1, n), 3).tolist(), 0.1),
            "score": _holes(rng, rng.integers(70, 100, n).astype(float).tolist(), 0.1),
        }
    )
    stations = [("河道断面", m) for m in ("DO", "TP")] + [("空气站", "AQI"), ("农污设施", "working")]
    rows = []
    for point in range(12):
        kind = ["河道断面", "空气站", "农污设施"][point % 3]
        place = villages[point % len(villages)]
        for moment in _when(rng, 15, 450):
            for station_kind, metric in stations:
                if station_kind == kind:
                    value = float(rng.integers(0, 2)) if metric == "working" else float(rng.integers(50, 150))
                    grade = str(rng.choice(["I", "II", "III", "IV", "V"])) if kind == "河道断面" else None
                    rows.append((f"p{point:02d}", kind, place, metric, value, grade, moment))
    names = ["point_id", "kind", "village_code", "metric", "value", "grade", "measured_at"]
    tables["stg_f34"] = pl.DataFrame(rows, schema=names, orient="row")
    n = 300
    found = _when(rng, n)
    tables["stg_f26"] = pl.DataFrame(
        {
            "village_code": village(n),
            "l2": pick(["暴露垃圾", "乱张贴", "路灯不亮", "绿化损毁"], n),
            "status": ["结案"] * n,
            "found_at": found,
            "closed_at": _holes(rng, [f + timedelta(days=1) for f in found], 0.1),
            "is_overdue": _holes(rng, pick([True, False], n), 0.1),
        }
    )
    accepted = _when(rng, n)
    tables["stg_f27"] = pl.DataFrame(
        {
            "order_id": [f"g{i}" for i in range(n)],
            "village_code": village(n),
            "category14": pick(["清洁卫生", "停车管理", "其他"], n),
            "accepted_at": accepted,
            "closed_at": _holes(rng, accepted, 0.1),
            "solved": _holes(rng, pick(["解决", "部分解决", "未解决", "不办理退单"], n), 0.05),
            "satisfaction": _holes(rng, pick(["满意", "非常满意", "理解", "不满意", "未评价"], n), 0.05),
        }
    )
    n = 25
    tables["stg_f29"] = pl.DataFrame(
        {
            # Every fifth is a second phase of the one before it.
            "estate_id": [f"XQ{i - (i % 5 == 4)}" for i in range(n)],
            "name": [f"小区{i}" for i in range(n)],
            "village_code": village(n),
            "households": rng.integers(10, 500, n),
            "score": _holes(rng, rng.integers(55, 99, n).astype(float).tolist(), 0.1),
            "committee_status": _holes(rng, pick(["已组建", "筹备", "未组建", "不具备条件"], n), 0.1),
            "parking": rng.integers(0, 300, n),
            "chargers": rng.integers(0, 30, n),
            "committee_term_end_on": _holes(rng, [d.date() + timedelta(days=250) for d in _when(rng, n)], 0.3),
        }
    )
    tables |= _people(rng, people, pick, village)
    n = 150
    due = [d.date() for d in _when(rng, n, 600)]
    tables["stg_f33"] = pl.DataFrame(
        {
            "place_id": pick([f"cs{i}" for i in range(40)], n),
            "village_code": village(n),
            "hazard_id": _holes(rng, [f"h{i}" for i in range(n)], 0.4),
            "level": pick(["一般", "重大"], n, [0.7, 0.3]),
            "due_on": due,
            "fixed_at": _holes(
                rng,
                [
                    datetime(d.year, d.month, d.day, 10) + timedelta(days=int(x))
                    for d, x in zip(due, rng.integers(-3, 3, n), strict=True)
                ],
                0.2,
            ),
        }
    )
    n = 60
    tables["stg_f24"] = pl.DataFrame(
        {
            "village_code": village(n),
            "result": pick(["成功", "未成", "撤回"], n),
            "closed_at": _holes(rng, _when(rng, n), 0.2),
        }
    )
    tables["stg_f25"] = pl.DataFrame(
        {
            "village_code": village(n),
            "device_kind": _holes(rng, pick(["监控", "门禁"], n), 0.2),
            "is_online": _holes(rng, pick([True, False], n), 0.1),
        }
    )
    created = _when(rng, n)
    tables["stg_i11"] = pl.DataFrame(
        {
            "village_code": village(n),
            "created_at": created,
            "closed_at": _holes(
                rng, [c + timedelta(hours=int(h)) for c, h in zip(created, rng.integers(1, 60, n), strict=True)], 0.1
            ),
        }
    )
    # The vaccination register knows nobody of one village that has small children.
    small = district["person"].filter((pl.col("age") < 7) & (pl.col("alive") != "dead")).drop_nulls("res_village_code")
    stranger = small["res_village_code"].sort()[0]
    there = district["person"].filter(pl.col("res_village_code") == stranger)["person_id"]
    known = pl.col("person_id").is_in(there.implode()).fill_null(False)
    tables["stg_f14"] = tables["stg_f14"].filter(~known)
    return tables


def _people(rng: np.random.Generator, people: list[str], pick, village) -> dict[str, pl.DataFrame]:
    """Feeds about people; some rows name nobody the district knows."""
    some = lambda count: [*rng.choice(people, count - 3).tolist(), None, "stranger", "stranger"]  # noqa: E731
    n = 200
    tables = {
        "stg_f17": pl.DataFrame({"person_id": some(n), "stage": pick(["小学", "初中", "高中", "幼儿园"], n)}),
        "stg_i01": pl.DataFrame(
            {
                "row_id": [f"r{i}" for i in range(n)],
                "person_id": some(n),
                "village_code": village(n),
                "field": pick(["elder_school", "smartphone", "crack_report"], n),
                "value": pick(["是", "否"], n),
                "filled_by": _holes(rng, pick(["auto", "GZ1", "GZ2"], n), 0.1),
                "filled_at": _when(rng, n),
            }
        ),
        "stg_i07": pl.DataFrame({"person_id": some(n), "served_at": _holes(rng, _when(rng, n, 60), 0.2)}),
        "stg_i06": pl.DataFrame({"person_id": some(n), "year_hours": np.round(rng.uniform(0, 30, n), 1)}),
        "stg_i09": pl.DataFrame({"person_id": some(n), "kind": pick(["居民", "工作人员"], n)}),
        "stg_i03": pl.DataFrame(
            {
                "person_id": some(n),
                "kind": pick(["议题", "公开"], n),
                "action": pick(["read", "vote", "comment"], n),
                "happened_at": _when(rng, n),
            }
        ),
        "stg_i02": pl.DataFrame(
            {"person_id": some(n), "sent_at": _when(rng, n), "replied_at": _holes(rng, _when(rng, n), 0.5)}
        ),
        "stg_f14": pl.DataFrame(
            {
                "person_id": some(n),
                "status": pick(["应种未种", "已接种"], n),
                "due_on": [d.date() + timedelta(days=60) for d in _when(rng, n, 120)],
            }
        ),
        "stg_f04": pl.DataFrame({"person_id": some(n), "visit_at": _when(rng, n, 900)}),
        "stg_f05": pl.DataFrame(
            {"person_id": some(n), "item": pick(["老年综合津贴", "居家照护"], n), "status": pick(["在享", "停止"], n)}
        ),
        "stg_f22": pl.DataFrame(
            {
                "village_code": village(n),
                "kind": pick(["文体团队", "图书馆"], n),
                "team": _holes(rng, pick(["舞蹈队", "合唱队", "太极队", "书画社"], n), 0.2),
                "start_on": _holes(rng, [d.date() + timedelta(days=100) for d in _when(rng, n)], 0.1),
                "end_on": _holes(rng, [d.date() + timedelta(days=250) for d in _when(rng, n)], 0.4),
            }
        ),
        "stg_f21": pl.DataFrame({"person_id": some(n), "household_award": _holes(rng, ["最美家庭"] * n, 0.7)}),
    }
    tables["stg_f13"] = pl.DataFrame(
        {
            "person_id": some(n),
            "archive_status": pick(["有效", "迁出"], n, [0.9, 0.1]),
            "contract_status": _holes(rng, pick(["有效", "解约"], n), 0.3),
            "contract_end_on": _holes(rng, [d.date() + timedelta(days=250) for d in _when(rng, n)], 0.2),
            "checkup_on": _holes(rng, [d.date() for d in _when(rng, n)], 0.4),
            "chronic": [
                list(x) if x else None
                for x in rng.choice(
                    np.array([None, ("hypertension",), ("diabetes", "hypertension"), ("copd",)], dtype=object), n
                )
            ],
            "bp_control": _holes(rng, pick(["达标", "未达标"], n), 0.3),
            "bg_control": _holes(rng, pick(["达标", "未达标"], n), 0.5),
        }
    )
    return tables
