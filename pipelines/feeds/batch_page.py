"""The page of a delivery judged as a batch: what was found, in Chinese and English, above Great Expectations' report.

Loads nothing from elsewhere, and holds counts, shares and codes only. What is expected and whether it is met is decided
in `expectations`.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape

from pipelines.feeds.contracts import Contract
from pipelines.feeds.judge import Status
from pipelines.webpage import page, table

_FACTS = {
    "delivered_rows": ("送达行数", "rows delivered"),
    "quarantined_pct": ("隔离占比(%)", "share held back, %"),
    "duplicate_pct": ("重复占比(%)", "share of repeats, %"),
    "change_pct": ("较上次增减(%)", "change against the delivery before, %"),
    "days_since_last": ("距上次天数", "days since the delivery before"),
}
_EXPECTED = {
    "expect_column_values_to_be_between": ("超出范围", "out of bounds"),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        "非空占比变动过大,或必填列有空值",
        "share of filled values moved, or a required column has empty ones",
    ),
    "expect_column_kl_divergence_to_be_less_than": ("代码构成变动过大", "mix of codes moved"),
}
# The report's own scripts and pictures are left out, so what needs them is hidden and marks become words.
_STYLE = """
.container-fluid>.row>.col-lg-2,[data-toggle=collapse],.collapse{display:none}
.fa-times::after{content:'✘ 未满足 unmet';color:#9b2c20;font-style:normal;white-space:nowrap}
.fa-check-circle::after{content:'✔ 满足 met';color:#1e6b3a;font-style:normal;white-space:nowrap}
.en{color:#616e7c;font-size:12.5px}
@media screen and (prefers-color-scheme:dark){.en{color:#93a1af}.fa-times::after{color:#f4b3ab}
.fa-check-circle::after{color:#9fdcb6}}
h5{margin:14px 0 4px;font-size:15px}h6{margin:8px 0 2px;font-size:13px}
"""


def batch_page(
    contract: Contract,
    status: Status,
    facts: Mapping[str, float | None],
    sampled: int,
    unmet: Sequence[tuple[str, str]],
    reports: Sequence[str],
) -> str:
    """The whole page. `facts` are exact figures of the delivery, `unmet` (expectation, column), `reports` pages."""
    shown = [
        [_both(*_FACTS[name]), "—" if value is None else f"{value:,.3f}".rstrip("0").rstrip(".")]
        for name, value in facts.items()
    ]
    rows = [[f"{_column(contract, column)}", _both(*_EXPECTED.get(kind, (kind, "")))] for kind, column in unmet]
    verdict = "全部满足。 <span class='en' lang='en'>Everything expected was met.</span>"
    if rows:
        head = [("项目", False), ("未满足的期望", False)]
        verdict = f"{table(head, rows)}<p class='note'>供人查看，不影响接收。" + (
            "<span class='en' lang='en'> For people to look at; decides nothing.</span></p>"
        )
    sample = f"占比取自按行号抽取的 {sampled:,} 行（共接收 {status.accepted:,} 行）。"
    own = f"Shares are of a sample of {sampled:,} accepted rows, chosen by line."
    return page(
        f"{contract.feed} {status.business_on} / {status.number}　{contract.title}",
        [
            f"<p>{_both(sample, own)}</p>",
            table([("整批", False), ("数值", True)], shown),
            f"<h2>结论</h2><div>{verdict}</div><h2>逐项报告 <span class='en' lang='en'>Great Expectations</span></h2>",
            *map(_body, reports),
        ],
        style=_STYLE,
    )


def _both(chinese: str, english: str) -> str:
    return f"{escape(chinese)} <span class='en' lang='en'>{escape(english)}</span>"


def _column(contract: Contract, name: str) -> str:
    """A figure of the delivery or a lake column in words."""
    if name in _FACTS:
        return _both(*_FACTS[name])
    label = contract.outputs[name][1].label if name in contract.outputs else ""
    return _both(label, name)


def _body(report: str) -> str:
    """A report's body without scripts, styles, pictures and addresses elsewhere."""
    body = re.search(r"<body.*?>(.*)</body>", report, re.DOTALL)
    text = body.group(1) if body else report
    text = re.sub(r"<(script|style|nav|footer)\b.*?</\1>", "", text, flags=re.DOTALL | re.IGNORECASE)
    text = re.sub(r"<(?:link|img|iframe)\b[^>]*>", "", text, flags=re.IGNORECASE)
    # Its links lead to pages that are not kept.
    return re.sub(r"""\s(?:href|src|action|onclick)=(["']).*?\1""", "", text, flags=re.IGNORECASE)
