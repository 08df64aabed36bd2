"""The five largest feeds landed by hand-written Polars: the rival that `feeds_vs_polars.py` measures the house against.

One function a feed, written for it alone: it reads the files, types every column the lake keeps, holds back what the
contract holds back, tells repeated rows, makes pseudonyms and masks and writes Parquet. Code tables are the contract's;
numbers of identity and the keyed digest come from `pipelines.identifiers`, as a department's script would take them
from a library. What is spared is everything general: contracts, messages, receipts, files that are not regular.
"""

import io
from collections.abc import Callable

import numpy as np
import polars as pl
from feeds_by_hand_parts import (
    NO,
    SPACES,
    YES,
    Job,
    address,
    code,
    day,
    finish,
    free,
    name_of,
    numbers,
    placed,
    problem_flags,
    text,
    unread,
    yes,
)

from pipelines import identifiers


def land(job: Job) -> dict[str, int]:
    """Land one of the five feeds; returns the counts."""
    return FEEDS[job.contract.feed](job)


# ---------------------------------------------------------------- the feeds


def land_b01(job: Job) -> dict[str, int]:
    """Residents: one Parquet file of texts."""
    raw = placed(pl.read_parquet(job.folder / "person.parquet"), "person.parquet")
    coded = {
        "pop_type_code": "SYRKLBDM", "pop_subtype_code": "SYRKZLBDM", "cert_kind_declared": "ZJZLDM",
        "sex_code": "XBDM", "marital_code": "HYZKDM", "edu_code": "WHCDDM", "occ_code": "ZYLBDM",
        "hukou_village_code": "HJDJWHDM", "hukou_kind": "HKXZ", "hukou_nature": "HKLX", "rel_head_code": "YHZGXDM",
        "rel_main_code": "YZJZRGXDM",
        "res_village_code": "JZDJWHDM", "stay_reason": "ZZSYDM", "tenure": "JZFS", "alive": "ZXZT",
    }  # fmt: skip
    days = {"arrive_on": "LHRQ", "mobile_verified_on": "LXDHHSRQ", "verified_on": "HSRQ", "death_on": "ZXRQ"}
    values = raw.select(
        source_row=text("RID"),
        **{name: code(job, name, physical) for name, physical in coded.items()},
        name=name_of("XM"),
        birth_on=day("CSRQ", "ymd", "dashed", "dotted"),
        nationality_code=pl.when(text("GJDM").str.contains("^[A-Z]{3}$")).then(text("GJDM")),
        hukou_div_code=pl.when(text("HJDXZQHDM").str.contains("^[0-9]{6}$")).then(text("HJDXZQHDM")),
        hukou_no=free(text("HH")),
        res_dwelling_id=text("JZFWID"),
        hukou_dwelling_id=text("HJFWID"),
        hukou_address=address("HJDZ"),
        res_address=address("JZDZ"),
        entry_on=day("RJSJ", "ymd", "timestamp"),
        is_empty_hukou=yes("IS_KGH", YES, NO),
        is_separated=yes("FLAG", YES, NO),
        mobile=free(
            text("LXDH").str.normalize("NFKC").str.replace_all(r"[\s\-]", "").str.replace(r"^\+?86([0-9]{11})$", "${1}")
        ),
        **{name: day(physical) for name, physical in days.items()},
        updated_at=text("ZXGXSJ").str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us"),
    )
    values, wrong = numbers(job, raw, values, "person", "ZJHM", "cert_kind_declared")
    values, spouse = numbers(job, raw, values, "spouse", "POZJHM")
    passports = values.filter(pl.col("person_cert_kind") == "passport").select(
        pl.col("person_id").alias("POZJHM"),
        pl.concat_str("person_id", "nationality_code", "birth_on", separator="/")
        .fill_null(pl.col("person_id"))
        .alias("to"),
    )
    passports = passports.unique().filter(pl.col("POZJHM").is_unique())
    held = raw.select(pl.col("POZJHM").cast(pl.String)).join(passports, on="POZJHM", how="left", maintain_order="left")[
        "to"
    ]
    values = values.with_columns(spouse_id=held.zip_with(held.is_not_null(), values["spouse_id"]))
    spouse = {name: flags & held.is_null() for name, flags in spouse.items()}
    errors = {"source_row.required": text("RID").is_null()} | problem_flags(wrong)
    warnings = {f"{name}.code": unread(name, physical) for name, physical in coded.items()}
    warnings |= {f"{name}.date": unread(name, physical) for name, physical in days.items()}
    warnings |= {f"spouse.{name}": flag for name, flag in problem_flags(spouse).items()}
    warnings |= {
        "birth_on.date": unread("birth_on", "CSRQ"),
        "entry_on.date": unread("entry_on", "RJSJ"),
        "updated_at.date": unread("updated_at", "ZXGXSJ"),
        "nationality_code.pattern": unread("nationality_code", "GJDM"),
        "hukou_div_code.pattern": unread("hukou_div_code", "HJDXZQHDM"),
        "name.holds_number": unread("name", "XM"),
        "name.rare_char": pl.col("XM").str.contains(r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"),
        "birth_on.not_in_future": pl.col("birth_on") > job.business_on,
        "birth_on.as_number": pl.col("birth_on") != pl.col("person_cert_birth_on"),
        "sex_code.as_number": pl.col("sex_code") != pl.col("person_cert_sex_code"),
        "death_on.after_birth": pl.col("death_on") < pl.col("birth_on"),
    }
    return finish(job, raw, values, errors, warnings, ["source_row"], ["updated_at"])


def land_f13(job: Job) -> dict[str, int]:
    """Health records: JSON arrays with nesting, a file a centre."""
    schema = {
        "idNo": pl.String, "name": pl.String,
        "archive": pl.Struct({"status": pl.String, "updateDate": pl.String}),
        "contract": pl.Struct(dict.fromkeys(("status", "combo", "group", "start", "end"), pl.String)),
        "lastServiceDate": pl.String, "checkup": pl.Struct({"date": pl.String}),
        "screening": pl.Struct({"women2": pl.String, "crc": pl.String}),
        "chronic": pl.List(pl.Struct({"code": pl.String, "control": pl.String})),
        "lastFollowupDate": pl.String, "longRx": pl.String, "dialysis": pl.String, "chemo": pl.String,
    }  # fmt: skip
    inside = [
        ("archive", "status"), ("archive", "updateDate"), ("contract", "status"), ("contract", "combo"),
        ("contract", "group"), ("contract", "start"), ("contract", "end"), ("checkup", "date"),
        ("screening", "women2"), ("screening", "crc"),
    ]  # fmt: skip
    illness = pl.element().struct.field("code")

    def control(*codes: str) -> pl.Expr:
        found = pl.col("chronic").list.eval(pl.element().filter(illness.is_in(codes))).list.first()
        return found.struct.field("control")

    frames = []
    for path in sorted(job.folder.glob("centre-*.json")):
        read = pl.read_json(path, schema=schema)
        flat = read.select(
            "idNo", "name", "lastServiceDate",
            *(pl.col(group).struct.field(inner).alias(f"{group}.{inner}") for group, inner in inside),
            pl.col("chronic").list.eval(illness).list.join("、").replace("", None).alias("chronic[].code"),
            control("hypertension", "高血压", "I10").alias("bp"), control("diabetes", "糖尿病", "E11").alias("bg"),
            "lastFollowupDate", "longRx", "dialysis", "chemo",
        )  # fmt: skip
        frames.append(placed(flat, path.name))
    raw = pl.concat(frames)
    coded = {
        "archive_status": "archive.status", "contract_status": "contract.status", "contract_group": "contract.group",
        "crc_status": "screening.crc", "bp_control": "bp", "bg_control": "bg",
    }  # fmt: skip
    days = {
        "updated_on": "archive.updateDate", "contract_start_on": "contract.start", "contract_end_on": "contract.end",
        "last_service_on": "lastServiceDate", "checkup_on": "checkup.date", "women_screen_on": "screening.women2",
        "last_followup_on": "lastFollowupDate",
    }  # fmt: skip
    flags = {"is_long_rx": "longRx", "is_dialysis": "dialysis", "is_chemo": "chemo"}
    items = text("chronic[].code").str.split("、")
    known = pl.element().replace_strict(job.codes("chronic"), default=None, return_dtype=pl.String)
    values = raw.select(
        **{name: code(job, name, physical) for name, physical in coded.items()},
        **{name: day(physical, "dashed") for name, physical in days.items()},
        **{name: yes(physical, ("true", "1", "是"), ("false", "0", "否")) for name, physical in flags.items()},
        name=name_of("name"),
        contract_combo=free(text("contract.combo")),
        chronic=items.list.eval(known).list.drop_nulls().list.unique().list.sort(),
        chronic_odd=items.list.eval(known.is_null()).list.any(),
    )
    values, wrong = numbers(job, raw, values, "person", "idNo")
    odd = pl.col("chronic_odd")
    warnings = problem_flags(wrong) | {f"{name}.code": unread(name, physical) for name, physical in coded.items()}
    warnings |= {f"{name}.date": unread(name, physical) for name, physical in days.items()}
    warnings |= {
        "person.required": text("idNo").is_null(),
        "chronic.code": odd,
        "name.rare_char": pl.col("name").str.contains(r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"),
        "contract_end_on.after_start": pl.col("contract_end_on") < pl.col("contract_start_on"),
    }
    raw = raw.rename({"name": "name as it came"})
    return finish(job, raw, values, {}, warnings, ["person_id"], ["updated_on"])


def land_f11(job: Job) -> dict[str, int]:
    """Insurance: Parquet in partitions, with dictionaries."""
    frames = []
    for path in sorted(job.folder.glob("ym=*/part-*.parquet")):
        frame = pl.read_parquet(path, hive_partitioning=False).with_columns(pl.all().cast(pl.String))
        frames.append(placed(frame, path.relative_to(job.folder).as_posix()))
    raw = pl.concat(frames)
    coded = {
        "pension_kind": "pension_type", "pension_status": "pension_status", "medical_kind": "medical_type",
        "medical_status": "medical_status", "unemployment_status": "unemp_status", "injury_status": "injury_status",
    }  # fmt: skip
    days = {"benefit_start_on": "benefit_start", "benefit_stop_on": "benefit_stop"}
    month = text("last_paid_ym").replace("0", None)
    raw_names = {name: f"raw {name}" for name in ("pension_status", "medical_status", "injury_status")}
    shaped = month.str.contains(r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])$")
    values = raw.select(
        **{name: code(job, name, physical) for name, physical in coded.items()},
        **{name: day(physical) for name, physical in days.items()},
        last_paid_ym=pl.when(shaped).then(month).cast(pl.Int32, strict=False),
    )
    firms = identifiers.credit_codes(raw["employer_uscc"].str.strip_chars(SPACES))
    values = values.with_columns(firms["canonical"].alias("employer_id"))
    values, wrong = numbers(job, raw, values, "person", "person_cert")
    raw = raw.rename(raw_names | {"last_paid_ym": "raw last_paid_ym"})
    coded = {name: raw_names.get(physical, physical) for name, physical in coded.items()}
    month = text("raw last_paid_ym").replace("0", None)
    warnings = problem_flags(wrong) | {f"{name}.code": unread(name, physical) for name, physical in coded.items()}
    warnings |= {f"{name}.date": unread(name, physical) for name, physical in days.items()}
    warnings |= {
        "person.required": text("person_cert").is_null(),
        "employer_id.characters": pl.lit(firms["problem"] == "characters"),
        "employer_id.check_digit": pl.lit(firms["problem"] == "check_digit"),
        "benefit_stop_on.after_start": pl.col("benefit_stop_on") < pl.col("benefit_start_on"),
    }
    errors = {"last_paid_ym.pattern": month.is_not_null() & pl.col("last_paid_ym").is_null()}
    return finish(job, raw, values, errors, warnings, [], [])


def land_f01(job: Job) -> dict[str, int]:
    """Registrations: fixed width in bytes, GB18030, a trailer."""
    width = 334
    frames, broken = [], 0
    for path in sorted(job.folder.glob("lhry.txt")):
        lines = path.read_bytes().rstrip(b"\x1a").split(b"\n")
        while not lines[-1].strip():
            lines.pop()
        declared = int(lines.pop().strip()[4:])
        right = np.array([len(line) == width + 1 for line in lines])
        broken += int((~right).sum())
        block = np.frombuffer(b"".join(line for line in lines if len(line) == width + 1), dtype=np.uint8)
        block = block.reshape(-1, width + 1)
        columns = {}
        for column in job.contract.columns:
            if column.physical in columns:
                continue
            start = (column.intake.first_byte or 1) - 1
            field = block[:, start : start + (column.intake.bytes or 0)]
            lined = np.concatenate([field, np.full((len(field), 1), 10, dtype=np.uint8)], axis=1)
            cells = (lined.tobytes() + b"\n\n\n").decode("gb18030", errors="replace").split("\n")[: len(field)]
            columns[column.physical] = (
                pl.Series(cells).str.strip_chars_end(" ").str.replace(r"\x{FFFD}[0-9]?\x{FFFD}?$", "")
            )
        frame = pl.DataFrame(columns).with_columns(
            pl.lit(path.name).alias("_file"), pl.Series("_line", np.flatnonzero(right) + 1, dtype=pl.Int32)
        )
        frames.append(frame.filter(~pl.any_horizontal(pl.col(pl.String).str.contains("\ufffd", literal=True))))
        broken += len(frame) - len(frames[-1])
        assert declared > 0
    raw = pl.concat(frames)
    coded = {
        "cert_kind_declared": "ZJZL", "sex_code": "XBDM", "permit_type_code": "ZJLX", "permit_type": "ZJLX",
        "reason": "ZZSY", "village_code": "JWDM", "change_code": "CZBS",
    }  # fmt: skip
    days = {"arrive_on": "LHRQ", "valid_to_on": "YXQZ", "permit_valid_to_on": "JZZYXQ"}
    unknown = ["00000000", "99991231"]
    blank = raw.with_columns(pl.when(~text(p).is_in(unknown)).then(pl.col(p)).alias(p) for p in days.values())
    subtype = pl.when(~text("ZJLX").is_in(["0000", "0200"])).then(text("ZJLX"))
    values = blank.select(
        registration_id=text("DJBH"),
        **{name: code(job, name, physical) for name, physical in coded.items()},
        **{name: day(physical) for name, physical in days.items()},
        permit_subtype=subtype.replace_strict(job.codes("permit_subtype"), default=None, return_dtype=pl.String),
        name=name_of("XM"),
        birth_on=day("CSRQ"),
        reg_on=day("DJRQ"),
        hukou_div_code=pl.when(text("HJXZQH").str.contains("^[0-9]{6}$")).then(text("HJXZQH")),
        hukou_address=address("HJXZ"),
        res_address=address("JZDZ"),
        dwelling_id=text("JZFWID"),
        is_points_ok=yes("JFZT", YES, NO),
    )
    values, wrong = numbers(job, raw, values, "person", "ZJHM", "cert_kind_declared")
    required = {"registration_id": "DJBH", "person": "ZJHM", "reg_on": "DJRQ", "change_code": "CZBS"}
    errors = {f"{name}.required": text(physical).is_null() for name, physical in required.items()}
    errors |= problem_flags(wrong)
    errors |= {"reg_on.date": unread("reg_on", "DJRQ"), "change_code.code": unread("change_code", "CZBS")}
    mild = {name: physical for name, physical in coded.items() if name != "change_code"}
    warnings = {f"{name}.code": unread(name, physical) for name, physical in mild.items()}
    warnings |= {
        f"{name}.date": unread(name, physical) & ~text(physical).is_in(unknown) for name, physical in days.items()
    }
    warnings |= {
        "birth_on.date": unread("birth_on", "CSRQ"),
        "hukou_div_code.pattern": unread("hukou_div_code", "HJXZQH"),
        "name.rare_char": pl.col("XM").str.contains(r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"),
        "reg_on.not_in_future": pl.col("reg_on") > job.business_on,
        "birth_on.as_number": pl.col("birth_on") != pl.col("person_cert_birth_on"),
    }
    counts = finish(job, raw, values, errors, warnings, ["registration_id"], ["reg_on"])
    return counts | {"quarantined": counts["quarantined"] + broken}


def land_f18(job: Job) -> dict[str, int]:
    """Employment: comma-separated GB18030 with quotes and dates of six kinds."""
    (path,) = job.folder.glob("jiuye.csv")
    body = path.read_bytes().decode("gb18030")
    raw = pl.read_csv(io.BytesIO(body.encode()), infer_schema=False)
    raw = placed(raw, path.name, 2)
    raw = raw.filter(pl.any_horizontal(pl.exclude("_file", "_line").str.strip_chars() != ""))
    coded = {
        "status": "就业状态", "hardship_kind": "就业困难类别", "service_item": "帮扶措施", "gig_kind": "新就业形态类别",
        "village_code": "居村委",
    }  # fmt: skip
    leading = {"industry": "行业代码", "occ_class": "职业代码"}
    days = {"status_on": "状态日期", "unemp_reg_on": "失业登记日期"}
    forms = ("dashed", "slashed", "ymd", "dotted", "chinese", "excel")
    values = raw.select(
        **{name: code(job, name, physical) for name, physical in coded.items()},
        **{
            name: text(physical).str.slice(0, 1).replace_strict(job.codes(name), default=None, return_dtype=pl.String)
            for name, physical in leading.items()
        },
        **{name: day(physical, *forms) for name, physical in days.items()},
        name=name_of("姓名"),
        training=free(text("培训项目")),
        is_flexible=yes("灵活就业", YES, NO),
        subsidy=free(text("补贴项目")),
    )
    firms = identifiers.credit_codes(raw["用人单位"].str.strip_chars(SPACES))
    values = values.with_columns(firms["canonical"].alias("employer_id"))
    values, wrong = numbers(job, raw, values, "person", "证件号码")
    warnings = problem_flags(wrong)
    warnings |= {f"{name}.code": unread(name, physical) for name, physical in (coded | leading).items()}
    warnings |= {f"{name}.date": unread(name, physical) for name, physical in days.items()}
    warnings |= {
        "person.required": text("证件号码").is_null(),
        "employer_id.characters": pl.lit(firms["problem"] == "characters"),
        "employer_id.check_digit": pl.lit(firms["problem"] == "check_digit"),
        "name.rare_char": pl.col("姓名").str.contains(r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"),
    }
    return finish(job, raw, values, {"not_future": pl.col("status_on") > job.business_on}, warnings, [], [])


FEEDS: dict[str, Callable[[Job], dict[str, int]]] = {
    "B01": land_b01, "F13": land_f13, "F11": land_f11, "F01": land_f01, "F18": land_f18,
}  # fmt: skip
