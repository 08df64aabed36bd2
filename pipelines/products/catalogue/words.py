"""The Chinese words of the catalogue for what contracts and code say in English. Nothing is computed here."""

from collections.abc import Mapping
from typing import Any

STANDINGS = {
    "used": "在用",
    "subject_only": "仅存入主体",
    "door_only": "仅入库使用",
    "read_only": "只核对、不保存",
    "unused": "无人使用",
    "dropped": "入口即丢弃",
}
STANDING_NOTES = {
    "used": "有标签、指标、台账、面板或其他产品使用",
    "subject_only": "已存入主体，但没有标签、指标、台账或面板使用",
    "door_only": "只用于识别重复行、核对其他栏目或识别是哪个人",
    "read_only": "入库时核对，不写入数据湖",
    "unused": "读入数据湖后无任何使用，可以不再采集",
    "dropped": "按契约在入口丢弃，部门不必再报送",
}
CLASSES = {"public": "公开", "internal": "内部", "sensitive": "敏感", "restricted": "限制"}
STATES = {"accepted": "已接收", "held": "待人工确认", "rejected": "已退回"}
PARTS = {"accepted": "接收", "duplicate": "重复", "quarantined": "隔离"}
KINDS = {
    "door": "入库",
    "identity": "人员识别",
    "check": "核对",
    "subject": "主体",
    "index": "指数口径",
    "tag": "标签",
    "indicator": "指标",
    "ledger": "台账",
    "panel": "面板",
    "product": "其他产品",
}
ROLES = {
    "value": "按类型读取",
    "identity": "换成假名，只留掩码等部分",
    "credit_code": "核对统一社会信用代码",
    "key": "换成假名，供关联",
    "name": "姓名，统一写法；不给分析人员",
    "phone": "电话，统一写法；不给分析人员",
    "address": "地址，统一写法；不给分析人员",
    "coordinate": "坐标；不给分析人员",
    "door": "只在入口核对，不保存",
    "drop": "入口丢弃，只计数",
}
TYPES = {
    "string": "文本",
    "integer": "整数",
    "number": "小数",
    "boolean": "是否",
    "date": "日期",
    "timestamp": "时间",
    "array": "列表",
}
FORMATS = {
    "delimited": "分隔文本",
    "fixed_width": "定长文本",
    "workbook": "Excel 工作簿",
    "parquet": "Parquet",
    "sqlite": "数据库表",
    "geojson": "GeoJSON",
    "json_lines": "JSON 行",
    "json": "JSON 数组",
}
LOADS = {"snapshot": "全量", "increment": "增量"}
_CADENCES = {None: "变更时报送", 1: "每天", 7: "每周", 31: "每月", 92: "每季度", 366: "每年"}
_LEVELS = {"frequency": "报送频率", "retention": "保存期限", "latency": "最迟到达", "availability": "可用性"}
_UNITS = {"day": "天", "week": "周", "month": "个月", "quarter": "季度", "year": "年", "hour": "小时"}


def cadence(days: int | None) -> str:
    """How often a feed comes."""
    return _CADENCES.get(days, f"每 {days} 天")


def service_level(entry: Mapping[str, Any]) -> str:
    """One property of the service level as a phrase."""
    name = _LEVELS.get(entry["property"], entry["property"])
    value, unit = entry["value"], entry.get("unit", "")
    said = "变更时" if value == "on change" else f"{value} {_UNITS.get(unit, unit)}".strip()
    return f"{name} {said}"


def waiting(told: str) -> str:
    """A delivery that waits, `date/number state`, in Chinese."""
    place, _, state = told.rpartition(" ")
    return f"{place} {STATES[state]}"


def state(feed: Mapping[str, Any]) -> tuple[str, str]:
    """Where a feed stands: a word for the look and one to read."""
    if not feed["deliveries"]:
        return "none", "尚无交付"
    if feed["deliveries"][-1]["state"] != "accepted":
        return "held", STATES[feed["deliveries"][-1]["state"]]
    return ("stale", "陈旧") if feed["state"]["is_stale"] else ("fresh", "正常")
