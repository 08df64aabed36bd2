"""What is odd in a feed by nature and not planted, declared: it comes of the world or of the system that exports.

Of rows the truth names every one; of what belongs to all rows of a file, or to rows that are not there, only the file.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Oddity:
    """Something odd that a reader must live with: feed, name, raw column ('' = row or file), and what carries it."""

    feed: str
    name: str
    column: str
    of_files: bool = False


ODDITIES = [
    Oddity("B01", "spouse_with_foreign_document", "POZJHM"),
    Oddity("F02", "dates_in_five_forms", "起租日期", of_files=True),
    Oddity("F02", "character_lost", "房东姓名"),
    Oddity("F03", "taiwan_permit_of_ten_digits", "证件号码"),
    Oddity("F04", "position_in_gcj02", "geo", of_files=True),
    Oddity("F06", "merged_cells", ""),
    Oddity("F06", "totals_and_notes", "", of_files=True),
    Oddity("F08", "services_joined", "服务项目"),
    Oddity("F08", "expired_but_listed", "有效期至"),
    Oddity("F08", "character_lost", "姓名"),
    Oddity("F09", "registered_elsewhere", "户籍地"),
    Oddity("F12", "dates_of_oracle", "FMRQ", of_files=True),
    Oddity("F12", "lives_in_another_district", "FN_SFZ"),
    Oddity("F13", "words_of_the_centre", "contract.status", of_files=True),
    Oddity("F17", "class_in_brackets", "班级", of_files=True),
    Oddity("F18", "character_lost", "姓名"),
    Oddity("F19", "closed_outlet_kept", "在营状态"),
    Oddity("F20", "dates_as_serial", "入党日期", of_files=True),
    Oddity("F22", "dates_in_three_forms", "开始日期", of_files=True),
    Oddity("F24", "time_in_seconds", "acceptTime", of_files=True),
    Oddity("F24", "party_without_number", "parties"),
    Oddity("F24", "result_after_close", "result"),
    Oddity("F25", "hash_for_number", "对象标识"),
    Oddity("F25", "device_without_position", "经度"),
    Oddity("F25", "one_header_for_both", "", of_files=True),
    Oddity("F26", "reopened", "taskId"),
    Oddity("F27", "columns_renamed", "工单编号", of_files=True),
    Oddity("F27", "none_as_word", "物业公司"),
    Oddity("F29", "notes_below", "", of_files=True),
    Oddity("F30", "cancelled_right", "QSZT"),
    Oddity("F30", "address_in_other_style", "ZL", of_files=True),
    Oddity("F31", "character_lost", "成员姓名"),
    Oddity("F32", "address_of_a_park", "ADDRESS"),
    Oddity("F34", "month_missing", "监测时间", of_files=True),
    Oddity("F34", "station_moved", "居村委"),
    Oddity("F34", "boundary_river", "居村委"),
]
NAMED = {(oddity.feed, oddity.name): oddity for oddity in ODDITIES}
