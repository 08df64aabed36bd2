"""The defects planted in deliveries: one table of kinds and rates, and the choice of the rows that carry them.

A row carries at most one kind. Which row it is depends on the entity and not on the day, so that a defect stays in the
source until somebody corrects it. How a defect looks is written where the feed is written.
"""

import math
from dataclasses import dataclass

import numpy as np

from pipelines.simulate.seeds import scores

QUARANTINE, DUPLICATE, ACCEPT = "quarantine", "duplicate", "accept"


@dataclass(frozen=True)
class Kind:
    """A kind of defect: share of a delivery's rows, raw column ('' = whole row) and what must become of the row."""

    feed: str
    name: str
    rate: float
    column: str
    expect: str


KINDS = [
    Kind("B01", "old_number_15", 0.002, "ZJHM", ACCEPT),
    Kind("B01", "lower_case_x", 0.004, "ZJHM", ACCEPT),
    Kind("B01", "full_width_number", 0.0005, "ZJHM", ACCEPT),
    Kind("B01", "sex_in_words", 0.003, "XBDM", ACCEPT),
    Kind("B01", "education_synonym", 0.004, "WHCDDM", ACCEPT),
    Kind("B01", "birth_date_style", 0.003, "CSRQ", ACCEPT),
    Kind("B01", "marital_out_of_code", 0.0006, "HYZKDM", ACCEPT),
    Kind("B01", "education_out_of_code", 0.0006, "WHCDDM", ACCEPT),
    Kind("B01", "identical_row", 0.0008, "", DUPLICATE),
    Kind("B01", "number_in_scientific_notation", 0.0004, "ZJHM", QUARANTINE),
    Kind("B01", "number_wrong_check", 0.0006, "ZJHM", QUARANTINE),
    Kind("B01", "number_impossible_date", 0.0003, "ZJHM", QUARANTINE),
    Kind("B01", "number_17_characters", 0.0003, "ZJHM", QUARANTINE),
    Kind("B02", "area_zero", 0.002, "JZMJ", ACCEPT),
    Kind("B02", "area_with_unit", 0.003, "JZMJ", ACCEPT),
    Kind("B02", "flag_in_words", 0.004, "DT", ACCEPT),
    Kind("B02", "year_of_two_digits", 0.001, "JCND", ACCEPT),
    Kind("B02", "identical_row", 0.001, "", DUPLICATE),
    Kind("B02", "floor_above_roof", 0.0008, "SZC", QUARANTINE),
    Kind("B02", "unknown_village", 0.0006, "JWDM", QUARANTINE),
    Kind("B04", "coordinates_swapped", 0.0012, "geometry", QUARANTINE),
    Kind("B04", "unknown_kind", 0.0012, "kind", QUARANTINE),
    Kind("F01", "old_number_15", 0.003, "ZJHM", ACCEPT),
    Kind("F01", "lower_case_x", 0.004, "ZJHM", ACCEPT),
    Kind("F01", "address_cut_in_character", 0.001, "HJXZ", ACCEPT),
    Kind("F01", "home_address_cut_in_character", 0.001, "JZDZ", ACCEPT),
    Kind("F01", "valid_to_zeros", 0.004, "YXQZ", ACCEPT),
    Kind("F01", "valid_to_open_end", 0.003, "YXQZ", ACCEPT),
    Kind("F01", "full_width_digits_in_address", 0.006, "JZDZ", ACCEPT),
    Kind("F01", "old_record_not_closed", 0.010, "", ACCEPT),
    Kind("F01", "registered_again", 0.002, "DJBH", DUPLICATE),
    Kind("F01", "number_wrong_check", 0.0006, "ZJHM", QUARANTINE),
    Kind("F01", "impossible_date", 0.0004, "DJRQ", QUARANTINE),
    Kind("F02", "count_in_words", 0.010, "承租人数", ACCEPT),
    Kind("F02", "owner_columns_swapped", 0.003, "房东证号", QUARANTINE),
    Kind("F02", "no_dwelling_code", 0.008, "房屋编码", QUARANTINE),
    Kind("F02", "identical_row", 0.004, "", DUPLICATE),
    Kind("F02", "unquoted_comma", 0.002, "整改情况", QUARANTINE),
    Kind("F02", "end_before_start", 0.002, "到期日期", QUARANTINE),
    Kind("F03", "name_order_swapped", 0.02, "英文姓名", ACCEPT),
    Kind("F03", "nation_in_other_words", 0.03, "国籍", ACCEPT),
    Kind("F03", "birth_day_first", 0.02, "出生日期", ACCEPT),
    Kind("F03", "leaving_empty", 0.03, "拟离开日期", ACCEPT),
    Kind("F03", "spaces_behind_number", 0.02, "证件号码", ACCEPT),
    Kind("F03", "passport_renewed", 0.01, "证件号码", ACCEPT),
    Kind("F03", "number_missing", 0.003, "证件号码", QUARANTINE),
    Kind("F03", "left_before_it_came", 0.003, "拟离开日期", QUARANTINE),
    Kind("F03", "identical_row", 0.003, "", DUPLICATE),
    Kind("F04", "time_in_milliseconds", 0.05, "visitTime", ACCEPT),
    Kind("F04", "village_of_nine_digits", 0.01, "villageCode", ACCEPT),
    Kind("F04", "null_as_word", 0.01, "householdNo", ACCEPT),
    Kind("F04", "need_in_free_words", 0.02, "needTags", ACCEPT),
    Kind("F04", "uploaded_twice", 0.01, "", DUPLICATE),
    Kind("F04", "broken_line", 0.001, "", QUARANTINE),
    Kind("F04", "number_wrong_check", 0.001, "personIdNo", QUARANTINE),
    Kind("F05", "deceased_still_active", 0.001, "ZT", ACCEPT),
    Kind("F05", "yuan_for_fen", 0.01, "JE_FEN", ACCEPT),
    Kind("F05", "status_as_letter", 0.02, "ZT", ACCEPT),
    Kind("F05", "another_village", 0.003, "JWDM", ACCEPT),
    Kind("F05", "end_before_start", 0.001, "JSRQ", QUARANTINE),
    Kind("F05", "number_wrong_check", 0.0006, "GMSFHM", QUARANTINE),
    Kind("F05", "identical_row", 0.001, "", DUPLICATE),
    Kind("F06", "amount_with_comma", 0.15, "月救助金额(元)", ACCEPT),
    Kind("F06", "relation_free_text", 0.06, "与户主关系", ACCEPT),
    Kind("F06", "head_not_member", 0.008, "户主身份证号", ACCEPT),
    Kind("F06", "number_as_numeric_cell", 0.006, "成员身份证号", QUARANTINE),
    Kind("F06", "unknown_village", 0.004, "居委会", QUARANTINE),
    Kind("F07", "foreign_spouse", 0.02, "对方身份证号", ACCEPT),
    Kind("F07", "lower_case_x", 0.004, "身份证号", ACCEPT),
    Kind("F07", "registered_elsewhere", 0.03, "户籍地", ACCEPT),
    Kind("F07", "bar_in_remark", 0.02, "备注", ACCEPT),
    Kind("F07", "after_the_file", 0.002, "事件日期", QUARANTINE),
    Kind("F07", "number_wrong_check", 0.001, "身份证号", QUARANTINE),
    Kind("F08", "reissue_suffix", 0.05, "残疾人证号", ACCEPT),
    Kind("F08", "spaces_in_number", 0.01, "残疾人证号", ACCEPT),
    Kind("F08", "birth_month_only", 0.30, "出生年月", ACCEPT),
    Kind("F08", "kind_disagrees", 0.003, "残疾类别", QUARANTINE),
    Kind("F08", "grade_disagrees", 0.002, "残疾等级", QUARANTINE),
    Kind("F08", "kind_digit_8", 0.001, "残疾人证号", QUARANTINE),
    Kind("F08", "grade_digit_5", 0.001, "残疾人证号", QUARANTINE),
    Kind("F08", "number_wrong_check", 0.002, "残疾人证号", QUARANTINE),
    Kind("F09", "enlisted_month_only", 0.1, "入伍时间", ACCEPT),
    Kind("F09", "enlisted_season", 0.05, "入伍时间", ACCEPT),
    Kind("F09", "used_name", 0.01, "姓名", ACCEPT),
    Kind("F09", "landline", 0.03, "联系电话", ACCEPT),
    Kind("F09", "lives_elsewhere", 0.02, "常住地", ACCEPT),
    Kind("F09", "in_two_categories", 0.01, "人员类别", ACCEPT),
    Kind("F09", "retired_before_enlisted", 0.002, "退役时间", QUARANTINE),
    Kind("F09", "number_wrong_check", 0.001, "公民身份号码", QUARANTINE),
    Kind("F09", "identical_row", 0.001, "", DUPLICATE),
    Kind("F10", "level_in_words", 0.2, "pgdj", ACCEPT),
    Kind("F10", "valid_to_empty", 0.02, "pgyxq", ACCEPT),
    Kind("F10", "overlapping_service", 0.004, "", ACCEPT),
    Kind("F10", "former_not_closed", 0.01, "", ACCEPT),
    Kind("F10", "assessed_before_applied", 0.002, "pgrq", QUARANTINE),
    Kind("F10", "number_wrong_check", 0.001, "zjhm", QUARANTINE),
    Kind("F10", "identical_row", 0.002, "", DUPLICATE),
    Kind("F11", "last_paid_zero", 0.02, "last_paid_ym", ACCEPT),
    Kind("F11", "lower_case_x", 0.003, "person_cert", ACCEPT),
    Kind("F11", "second_open_pension", 0.002, "pension_type", ACCEPT),
    Kind("F11", "benefit_after_death", 0.0005, "pension_status", ACCEPT),
    Kind("F11", "last_paid_month_13", 0.0005, "last_paid_ym", QUARANTINE),
    Kind("F11", "number_wrong_check", 0.0006, "person_cert", QUARANTINE),
    Kind("F12", "newborn_without_number", 0.02, "ZN_SFZ", ACCEPT),
    Kind("F12", "child_without_name", 0.02, "ZN_XM", ACCEPT),
    Kind("F12", "parity_zero", 0.01, "HC", ACCEPT),
    Kind("F12", "due_before_last_period", 0.004, "YCQ", QUARANTINE),
    Kind("F12", "number_wrong_check", 0.002, "FN_SFZ", QUARANTINE),
    Kind("F13", "list_missing", 0.02, "chronic", ACCEPT),
    Kind("F13", "in_two_centres", 0.002, "", DUPLICATE),
    Kind("F13", "number_masked", 0.002, "idNo", QUARANTINE),
    Kind("F14", "dose_in_words", 0.05, "dose_no", ACCEPT),
    Kind("F14", "vaccine_synonym", 0.05, "vaccine_name", ACCEPT),
    Kind("F14", "from_two_clinics", 0.004, "", DUPLICATE),
    Kind("F14", "infant_under_guardian", 0.004, "birth", QUARANTINE),
    Kind("F14", "given_in_future", 0.002, "inoc_date", QUARANTINE),
    Kind("F14", "number_wrong_check", 0.001, "cert_no", QUARANTINE),
    Kind("F15", "mixed_tube_positive", 0.0001, "result", ACCEPT),
    Kind("F15", "code_printed_twice", 0.001, "code_id", ACCEPT),
    Kind("F15", "wrong_village", 0.002, "village_code", ACCEPT),
    Kind("F15", "name_of_another", 0.001, "name", ACCEPT),
    Kind("F15", "result_spelling", 0.02, "result", ACCEPT),
    Kind("F15", "report_before_sample", 0.001, "report_time", QUARANTINE),
    Kind("F15", "number_wrong_check", 0.0006, "cert_no", QUARANTINE),
    Kind("F16", "risk_not_rated", 0.03, "危险性评估", ACCEPT),
    Kind("F16", "guardian_is_patient", 0.01, "监护人姓名", ACCEPT),
    Kind("F16", "in_two_towns", 0.01, "", DUPLICATE),
    Kind("F16", "number_wrong_check", 0.002, "身份证号", QUARANTINE),
    Kind("F17", "temporary_prefix", 0.02, "学籍号", ACCEPT),
    Kind("F17", "school_for_home", 0.01, "居住地址", ACCEPT),
    Kind("F17", "match_blank", 0.03, "人户一致", ACCEPT),
    Kind("F17", "days_in_words", 0.05, "缺勤天数", ACCEPT),
    Kind("F17", "in_two_schools", 0.005, "学校名称", ACCEPT),
    Kind("F17", "temporary_without_number", 0.004, "身份证号", QUARANTINE),
    Kind("F17", "number_wrong_check", 0.001, "身份证号", QUARANTINE),
    Kind("F17", "identical_row", 0.001, "", DUPLICATE),
    Kind("F18", "industry_of_2011", 0.05, "行业代码", ACCEPT),
    Kind("F18", "occupation_of_1999", 0.05, "职业代码", ACCEPT),
    Kind("F18", "employer_short_name", 0.03, "用人单位", ACCEPT),
    Kind("F18", "status_blank", 0.01, "就业状态", ACCEPT),
    Kind("F18", "also_unemployed", 0.003, "", ACCEPT),
    Kind("F18", "state_in_future", 0.0006, "状态日期", QUARANTINE),
    Kind("F18", "number_wrong_check", 0.0006, "证件号码", QUARANTINE),
    Kind("F18", "identical_row", 0.001, "", DUPLICATE),
    Kind("F19", "coordinates_swapped", 0.004, "经度", QUARANTINE),
    Kind("F19", "unknown_village", 0.002, "所属居村", QUARANTINE),
    Kind("F19", "no_outlet_number", 0.001, "网点编号", QUARANTINE),
    Kind("F19", "other_coordinates", 0.03, "坐标系", ACCEPT),
    Kind("F19", "stalls_in_words", 0.002, "摊位数", ACCEPT),
    Kind("F19", "kind_in_other_words", 0.01, "业态", ACCEPT),
    Kind("F19", "identical_row", 0.002, "", DUPLICATE),
    Kind("F20", "number_wrong_check", 0.002, "公民身份证号码", QUARANTINE),
    Kind("F20", "unknown_kind", 0.001, "人员类别", QUARANTINE),
    Kind("F20", "confirmed_before_joining", 0.003, "转正日期", QUARANTINE),
    Kind("F20", "branch_renamed", 0.02, "所在党支部", ACCEPT),
    Kind("F20", "nation_short", 0.1, "民族", ACCEPT),
    Kind("F20", "unknown_reported_village", 0.004, "双报到村居", ACCEPT),
    Kind("F20", "transferred_in_both", 0.004, "", ACCEPT),
    Kind("F20", "identical_row", 0.002, "", DUPLICATE),
    Kind("F21", "number_wrong_check", 0.001, "person_id_no", QUARANTINE),
    Kind("F21", "no_number", 0.004, "person_id_no", QUARANTINE),
    Kind("F21", "two_villages_of_that_name", 0.005, "village_name", ACCEPT),
    Kind("F21", "role_in_free_text", 0.1, "role", ACCEPT),
    Kind("F21", "organisation_as_code", 0.15, "org", ACCEPT),
    Kind("F21", "identical_row", 0.001, "", DUPLICATE),
    Kind("F22", "number_wrong_check", 0.003, "身份证号", QUARANTINE),
    Kind("F22", "no_number", 0.01, "身份证号", QUARANTINE),
    Kind("F22", "unknown_village", 0.003, "居村委", ACCEPT),
    Kind("F22", "kind_in_free_text", 0.05, "服务类别", ACCEPT),
    Kind("F22", "relative_instead", 0.02, "备注", ACCEPT),
    Kind("F22", "identical_row", 0.003, "", DUPLICATE),
    Kind("F23", "number_wrong_check", 0.002, "SFZH", QUARANTINE),
    Kind("F23", "impossible_installation", 0.001, "AZRQ", QUARANTINE),
    Kind("F23", "alarm_in_epoch_seconds", 0.1, "ZJGJSJ", ACCEPT),
    Kind("F23", "state_as_digit", 0.15, "ZT", ACCEPT),
    Kind("F23", "test_alarm", 0.01, "GJLX", ACCEPT),
    Kind("F23", "device_moved_on", 0.01, "FWBM", ACCEPT),
    Kind("F23", "second_vendor", 0.01, "", DUPLICATE),
    Kind("F24", "number_wrong_check", 0.003, "parties", QUARANTINE),
    Kind("F24", "closed_before_accepted", 0.002, "closeTime", QUARANTINE),
    Kind("F24", "unknown_village", 0.002, "villageCode", QUARANTINE),
    Kind("F24", "old_kind_code", 0.08, "type", ACCEPT),
    Kind("F24", "result_before_close", 0.002, "result", ACCEPT),
    Kind("F25", "unknown_kind", 0.002, "类别", QUARANTINE),
    Kind("F25", "ends_before_start", 0.002, "截止日期", QUARANTINE),
    Kind("F25", "ended_not_closed", 0.05, "状态", ACCEPT),
    Kind("F25", "identical_row", 0.002, "", DUPLICATE),
    Kind("F25", "no_device_number", 0.001, "设备编号", QUARANTINE),
    Kind("F25", "online_as_digit", 0.1, "在线状态", ACCEPT),
    Kind("F28", "unknown_village", 0.002, "居村委", QUARANTINE),
    Kind("F28", "impossible_month", 0.001, "月份", QUARANTINE),
    Kind("F28", "weight_in_kilograms", 0.02, "湿垃圾(吨)", ACCEPT),
    Kind("F28", "purity_in_percent", 0.1, "分类纯净率", ACCEPT),
    Kind("F28", "month_of_one_digit", 0.05, "月份", ACCEPT),
    Kind("F28", "negative_correction", 0.004, "干垃圾(吨)", ACCEPT),
    Kind("F28", "identical_row", 0.002, "", DUPLICATE),
    Kind("F29", "added_above_all_lifts", 0.004, "加装电梯数", QUARANTINE),
    Kind("F29", "no_estate_number", 0.002, "小区编号", QUARANTINE),
    Kind("F29", "fee_as_range", 0.02, "物业费(元/㎡·月)", ACCEPT),
    Kind("F29", "term_in_words", 0.02, "业委会届满日期", ACCEPT),
    Kind("F29", "two_committees", 0.01, "居委", ACCEPT),
    Kind("F29", "fund_in_percent", 0.1, "维修资金续筹率", ACCEPT),
    Kind("F32", "code_with_letter_o", 0.0005, "UNI_SC_ID", QUARANTINE),
    Kind("F32", "repealed_before_established", 0.0005, "REPEAL_DATE", QUARANTINE),
    Kind("F32", "old_code_wrong_check", 0.01, "UNI_SC_ID", ACCEPT),
    Kind("F32", "industry_missing", 0.02, "INDUSTRY_CODE", ACCEPT),
    Kind("F32", "state_lags", 0.005, "CORP_STATUS", ACCEPT),
    Kind("F32", "identical_row", 0.0005, "", DUPLICATE),
    Kind("F33", "fixed_before_found", 0.001, "fixed_time", QUARANTINE),
    Kind("F33", "former_village", 0.0005, "village_code", QUARANTINE),
    Kind("F33", "level_as_digit", 0.02, "hazard_level", ACCEPT),
    Kind("F33", "place_renamed", 0.01, "place_name", ACCEPT),
    Kind("F33", "identical_row", 0.0005, "", DUPLICATE),
    Kind("F34", "impossible_time", 0.001, "监测时间", QUARANTINE),
    Kind("F34", "unknown_village", 0.001, "居村委", QUARANTINE),
    Kind("F34", "below_detection", 0.01, "数值", ACCEPT),
    Kind("F34", "not_detected", 0.005, "数值", ACCEPT),
    Kind("F34", "grade_in_other_style", 0.1, "类别", ACCEPT),
    Kind("F34", "identical_row", 0.001, "", DUPLICATE),
]
TABLE = {(kind.feed, kind.name): kind for kind in KINDS}


class Picker:
    """Chooses the rows of one delivery for each kind of its feed; `ids` are the entities behind the rows."""

    def __init__(self, feed: str, seed: int, ids: np.ndarray, whole: bool = True):
        self.feed, self.seed, self.ids, self.whole = feed, seed, np.asarray(ids), whole
        self.taken = np.zeros(len(self.ids), dtype=bool)
        self.planted: list[tuple[Kind, np.ndarray]] = []

    def rows(self, name: str, allowed: np.ndarray | None = None) -> np.ndarray:
        """Positions for this kind: its rate of all rows, at least one in a whole delivery, out of the allowed ones.

        In an increment (`whole` false) small expected numbers are rounded down, so that most days are clean.
        """
        kind = TABLE[self.feed, name]
        free = ~self.taken if allowed is None else ~self.taken & allowed
        at = np.flatnonzero(free)
        expected = kind.rate * len(self.ids)
        wanted = min(math.ceil(expected) if self.whole else int(expected), len(at))
        if wanted == 0:
            return np.empty(0, dtype=np.int64)
        rank = scores(self.seed, f"{self.feed}.{name}", self.ids[at])
        chosen = np.sort(at[np.argpartition(rank, wanted - 1)[:wanted]])
        self.taken[chosen] = True
        return chosen

    def plant(self, name: str, rows: np.ndarray) -> None:
        """Record that these final positions (0-based, in file order) carry the defect."""
        if len(rows):
            self.planted.append((TABLE[self.feed, name], np.asarray(rows)))
