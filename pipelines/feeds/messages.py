"""What is said to people about a row or a file, in Chinese and in English.

One place for wording, so that a rule has one message wherever it is shown. A message names the feed, file, line, column
and what to do; it never carries a value of a row, because messages travel to logs and pages where values may not go.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """The same sentence twice."""

    zh: str
    en: str


# Rules every contract has without writing them; {label} and {column} are the column's Chinese and raw name.
ROW_RULES: dict[str, tuple[str, str]] = {
    "required": (
        "{label}({column})为空,此列必填;请在源系统补录后重报。",
        "{column} is empty and must not be; complete it.",
    ),
    "invalid": ("{label}({column})的内容无法识别;请按约定格式填写。", "{column} cannot be read in the agreed form."),
    "code": ("{label}({column})不在代码表内;请核对代码。", "{column} is not in its code table; check the code."),
    "date": (
        "{label}({column})不是真实存在的日期,或不是约定的写法;请更正。",
        "{column} is not a date that exists, or not written in the agreed form; correct it.",
    ),
    "range": ("{label}({column})超出合理范围;请核对。", "{column} lies outside the possible range; check it."),
    "pattern": ("{label}({column})的格式不符合约定;请更正。", "{column} has not the agreed form; correct it."),
    "cut_char": (
        "{label}({column})末尾汉字被截断,已去掉残字。",
        "{column} ends in half a character, which was cut off.",
    ),
    "holds_number": (
        "{label}({column})里写有证件号码,已清空;号码请只填在证件号码列。",
        "{column} holds an identity number and was emptied; numbers belong in their own column only.",
    ),
    "rare_char": (
        "{label}({column})含无法显示的字符,请核对生僻字。",
        "{column} holds characters that were lost on the way.",
    ),
    "precision_lost": (
        "{label}({column})存成了数字格式,末几位已丢失;请改为文本格式后重报。",
        "{column} was stored as a number and lost its last digits; deliver it as text.",
    ),
    "masked": ("{label}({column})被打了星号,无法核对;请报完整号码。", "{column} is masked; deliver the whole number."),
    "length": ("{label}({column})位数不对;请核对证件。", "{column} has a wrong number of digits; check the document."),
    "characters": (
        "{label}({column})不是证件号码;请核对是否与相邻列填反。",
        "{column} is no document number; check whether columns were swapped.",
    ),
    "kind": ("{label}({column})与证件种类不符;请核对。", "{column} does not fit the declared kind of document."),
    "birth_date": (
        "{label}({column})中的出生日期不存在;请核对证件。",
        "{column} holds a birth date that does not exist.",
    ),
    "birth": ("{label}({column})中的出生日期不合理;请核对证件。", "{column} holds an impossible birth date."),
    "check_digit": ("{label}({column})校验位不符;请核对证件。", "{column} fails its check digit; check the document."),
    "area": (
        "{label}({column})前六位不是行政区划代码。",
        "{column} begins with no known area code; check the document.",
    ),
    "suffix": (
        "{label}({column})末位的残疾类别或等级不存在;请核对。",
        "{column} ends in a kind or grade that does not exist; check it.",
    ),
    "as_number": (
        "{label}({column})与证件号码不符,请核对。",
        "{column} differs from what the identity number says; check both.",
    ),
    "plausible": (
        "{label}({column})距今超过一百二十年,请核对。",
        "{column} lies more than 120 years back; check it.",
    ),
    "not_in_future": (
        "{label}({column})晚于报送日期,请核对。",
        "{column} lies after the delivery; check the date.",
    ),
    "not_before": (
        "{label}({column})早于{other}({other_column}),请核对。",
        "{column} lies before {other_column}; check both dates.",
    ),
    "fields": (
        "本行列数与表头不一致;请检查未加引号的分隔符。",
        "The row has not as many fields as the header; look for unquoted delimiters.",
    ),
    "record_length": (
        "本行字节数与约定记录长度不一致;请检查导出程序。",
        "The record has not the agreed number of bytes; check the export.",
    ),
    "feature": (
        "此要素没有点坐标或属性;请补全后重报。",
        "The feature has no point or no properties; complete it.",
    ),
    "object": (
        "本行不是一个完整的 JSON 对象;请检查导出程序。",
        "The line is no whole JSON object; check the export.",
    ),
    "encoding": (
        "本行含无法解码的字节;请检查导出编码。",
        "The row holds bytes that cannot be decoded; check the export's encoding.",
    ),
}

# What makes a whole file unusable. {file}, {line}, {column} and {detail} come from the reader.
FILE_PROBLEMS: dict[str, tuple[str, str]] = {
    "missing_file": (
        "缺少文件 {detail};请补齐后以新的批次号重报。",
        "The file {detail} is missing; deliver all files under a new number.",
    ),
    "misnamed": (
        "缺少文件 {detail};目录里有 {file},如即此文件,请改为约定的文件名后重报。",
        "The file {detail} is missing; there is {file}: if that is it, rename it and deliver again.",
    ),
    "no_file": (
        "{detail} 不是文件,而是文件夹或链接;请报送文件本身。",
        "{detail} is a folder or a link, not a file; deliver the file itself.",
    ),
    "unreadable": (
        "文件无法读取({detail});请检查读取权限,或重新上传。下次运行会再试。",
        "The file cannot be read ({detail}); check the right to read it, or upload it again. The next run tries anew.",
    ),
    "changing": (
        "文件在读取期间发生变化;请用以点开头的文件名上传,传完再改名。下次运行会再试。",
        "The file changed while it was read; upload under a name that begins with a dot and rename it when complete. "
        "The next run tries anew.",
    ),
    "failed": (
        "读取程序处理此文件时出错({detail}),整批未采用;请重新导出并以新的批次号报送。"
        "出错细节在 vault/failures/,供维护人员查看。",
        "The reader failed on this delivery ({detail}) and nothing of it is used; export it again under a new number. "
        "How it failed stands in vault/failures/, for whoever maintains the readers.",
    ),
    "died": (
        "读取此批次的进程意外终止,整批未采用;多因内存不足或文件异常,请重新导出并以新的批次号报送。下次运行会再试。",
        "The process that read this delivery came to its end and nothing of it is used: for want of memory, "
        "or by the file; export it again under a new number. The next run tries anew.",
    ),
    "other_format": (
        "这不是约定的格式,而是{detail};请在源系统按约定格式导出,或打开后另存为约定格式。",
        "This is not the agreed format but {detail}; export it in the agreed one, or open it and save it as that.",
    ),
    "line_ends": (
        "换行符不符合约定({detail});请以 CR LF 或 LF 换行重新导出。",
        "The line ends are not as agreed ({detail}); export it again with CR LF or LF at the end of every line.",
    ),
    "column_type": (
        "列“{column}”不是文本({detail});请以文本(UTF-8)导出此列。",
        "The column {column} is no text ({detail}); export it as text in UTF-8.",
    ),
    "empty_file": ("文件为空;请重新导出。", "The file is empty; export it again."),
    "truncated": (
        "文件不完整({detail});请重新导出并以新的批次号报送。",
        "The file is cut off ({detail}); export it again and deliver it under a new number.",
    ),
    "encoding": (
        "文件编码不是约定的 {detail};请按约定编码重新导出。",
        "The file is not in the agreed encoding ({detail}); export it again in that encoding.",
    ),
    "header_missing": (
        "表头缺少列“{column}”;请恢复原列名后重报。",
        "The header lacks the column {column}; restore its name and deliver again.",
    ),
    "header_duplicate": (
        "表头中列“{column}”重复;请删除多余列后重报。",
        "The header names the column {column} twice; remove one and deliver again.",
    ),
    "header_not_found": (
        "约定位置没有表头({detail});请检查标题行。",
        "There is no header where the contract says ({detail}); check the title rows.",
    ),
    "trailer_missing": (
        "没有找到结尾记录,文件可能被截断;请重新导出。",
        "The trailer record is missing, so the file may be cut off; export it again.",
    ),
    "damaged": ("文件已损坏,无法打开({detail});请重新导出。", "The file is damaged ({detail}); export it again."),
    "sheet_missing": (
        "缺少工作表“{detail}”;请恢复工作表后重报。",
        "The sheet {detail} is missing; restore it and deliver again.",
    ),
    "too_large": (
        "文件展开后过大({detail}),已拒绝打开;请检查导出程序。",
        "The file would unpack beyond all measure ({detail}) and was not opened; check the export.",
    ),
    "limits": (
        "打开文件超出时间或内存限制({detail});请检查导出程序。",
        "Opening the file went beyond its limits of time or memory ({detail}); check the export.",
    ),
    "encrypted": (
        "文件已加密或不是约定格式;请解密后重报。",
        "The file is encrypted or of another format; deliver it plain.",
    ),
    "no_password": (
        "没有 {detail} 压缩包的密码;请把密码放入密码文件夹（vault/passwords/，须一并备份）中以来源编号命名的文件。",
        "The password of {detail}'s archive is not in place; put it into the password folder (vault/passwords/, part "
        "of every backup), in a file named like the feed.",
    ),
    "wrong_password": (
        "压缩包的密码不符;请与报送单位核对密码文件。",
        "The archive does not open with the password in place; settle it with the department.",
    ),
    "other_encryption": (
        "压缩包的加密或压缩方式不是约定的({detail}),与密码无关;请用传统 ZIP 加密(ZipCrypto)重新压缩。",
        "The archive is locked or packed in another way than agreed ({detail}), whatever the password; pack it again "
        "with classic ZIP encryption (ZipCrypto).",
    ),
    "unlocked": (
        "压缩包未加密,而此来源约定加密报送;请用约定的密码加密后以新的批次号重报,并删除未加密的文件。",
        "The archive came unprotected, without a password, though this feed is agreed to come locked; lock it with the "
        "agreed password, deliver it under a new number and delete the unlocked copy.",
    ),
    "changed_in_place": (
        "已登记批次的文件被改动;请恢复原文件,把更正作为新的批次号报送。",
        "Files of a delivery that was landed before have changed; restore them and deliver the correction under a "
        "higher number.",
    ),
}


def _drift_reasons() -> dict[str, tuple[str, str]]:
    """Of one column: what moved, from what to what, and what to do. `_at_once`: nothing to compare with."""
    end_zh = ";请与报送单位核实并重报,或修改契约,属实则 `xfy feeds release-hold {feed}`。"
    end_en = "; have it delivered again as agreed, mend the contract, or, if it is so, `xfy feeds release-hold {feed}`."
    said = {
        "unreadable": (
            "已填的 {of} 个值中 {now:.0f} % 不合规则(此前 {was:.0f} %),最多为 {rule}",
            "{now:.0f} % of its {of} filled values break a rule ({was:.0f} % before), most of them {rule}",
        ),
        "unreadable_at_once": (
            "已填的 {of} 个值中 {now:.0f} % 不合规则,最多为 {rule}",
            "{now:.0f} % of its {of} filled values break a rule, most of them {rule}",
        ),
        "emptied": (
            "{of} 行中 {now:.0f} % 为空(此前 {was:.0f} %)",
            "empty in {now:.0f} % of {of} rows ({was:.0f} % before)",
        ),
        "emptied_at_once": (
            "为必填,{of} 行中 {now:.0f} % 为空",
            "required, and empty in {now:.0f} % of {of} rows",
        ),
        "unlinkable": (
            "的编号中只有 {now:.0f} % 在上次交付中出现过(抽样 {of} 个)",
            "only {now:.0f} % of its keys (a sample of {of}) stood in the delivery before",
        ),
        "mix_leapt": (
            "的取值构成变动 {moved:.0f} 个百分点:{code} 由 {was:.0f} % 变为 {now:.0f} %",
            "its mix of values moved by {moved:.0f} points, {code} from {was:.0f} % to {now:.0f} %",
        ),
        "form_leapt": (
            "的文字形式变动 {moved:.0f} 个百分点:首尾为 {code} 的由 {was:.0f} % 变为 {now:.0f} %",
            "the form of its texts moved by {moved:.0f} points, those of {code} from {was:.0f} % to {now:.0f} %",
        ),
        "resized": (
            "的数值平均变动 {orders:+.1f} 个数量级,可能换了单位",
            "its numbers moved by {orders:+.1f} orders of magnitude, as if in another unit",
        ),
        "mix_leapt_restricted": (
            "的取值构成变动 {moved:.0f} 个百分点",
            "its mix of values moved by {moved:.0f} points",
        ),
    }
    return {
        kind: ("列“{raw}”({column})" + zh + end_zh, "column {raw} ({column}): " + en + end_en)
        for kind, (zh, en) in said.items()
    }


# Why a delivery stands as it does: what holds it back, and what is worth knowing of one that is accepted.
STATE_REASONS: dict[str, tuple[str, str]] = {
    "empty": (
        "没有任何数据行:全量交付不会清空;请与报送单位核实,或以决定放行。",
        "no rows at all: a snapshot never empties; ask the department, or let it through by a decision.",
    ),
    "trailer": (
        "结尾记录声明 {declared} 条,实有 {delivered} 条;请重新导出,或以决定放行。",
        "the trailer states {declared} records, the file has {delivered}; have it exported again, or let it through by "
        "a decision.",
    ),
    "spoilt": (
        "{delivered} 行中有 {quarantined} 行({percent:.0f} %)被隔离,超出约定;请查看隔离原因。",
        "{quarantined} of {delivered} rows ({percent:.0f} %) are in quarantine; see their reasons.",
    ),
    "volume": (
        "共 {delivered} 行,{before} 为 {reference} 行({percent:+.0f} %),超出约定范围 {down:g} % 至 +{up:g} %;"
        "请与报送单位核实后决定。",
        "{delivered} rows against {reference} on {before} ({percent:+.0f} %), outside {down:g} % to +{up:g} %; check "
        "with the department, then decide.",
    ),
    "added_columns": (
        "契约以外的列,未读取:{names};请核实后放行,或写入契约(不需要的写 drop)。",
        "columns beyond the contract, not read: {names}; let it through, or write them into the contract (drop what is "
        "not needed).",
    ),
    **_drift_reasons(),
    "ignored_files": ("契约以外的文件 {count} 个,未读取。", "{count} files beyond the contract, not read."),
    "waived": ("{count} 行虽不合规则,已由决定放行。", "{count} rows let in by decisions although they break rules."),
    "void_waivers": (
        "决定所列的 {count} 行不能放行,或已无需放行。",
        "decisions name {count} rows that are not to be let in, or no longer need it.",
    ),
    "unchanged": ("与 {before} 的交付内容相同。", "unchanged since {before}."),
    "repeat": ("与 {number} 号内容相同,每一行都是重复。", "same content as {number}: every row is a duplicate."),
}


# What readers say of a place or a measure, for the Chinese sentence; whatever else they say is a name or a figure.
_DETAILS: tuple[tuple[str, str], ...] = (
    (r"^no right to read it, or it is gone$", "没有读取权限,或文件已不在"),
    (r"^Permission denied$", "没有读取权限"),
    (r"^No such file or directory$", "文件已不在"),
    (r"^CR alone ends its lines, LF others$", "有的行只以 CR 结尾,有的以 LF 结尾"),
    (r"^CR alone ends its lines$", "只以 CR 结尾"),
    (r"^LF where CR LF is agreed$", "应为 CR LF,实为 LF"),
    (r"^bytes that are no UTF-8, first in row (\d+)$", r"含有非 UTF-8 的字节,首见于第 \1 行"),
    (r"^an old binary Office file \(\.xls\)$", "旧版 Office 二进制文件(.xls)"),
    (r"^an xlsx workbook or a ZIP archive$", "xlsx 工作簿或 ZIP 压缩包"),
    (r"^a ZIP archive around the file$", "把文件装在里面的 ZIP 压缩包"),
    (r"^a binary workbook \(\.xlsb\)$", "二进制工作簿(.xlsb)"),
    (r"^an OpenDocument file \(\.ods\)$", "OpenDocument 文件(.ods)"),
    (r"^a Word document$", "Word 文档"),
    (r"^a gzip archive$", "gzip 压缩文件"),
    (r"^a RAR archive$", "RAR 压缩包"),
    (r"^a 7-Zip archive$", "7-Zip 压缩包"),
    (r"^a PDF document$", "PDF 文件"),
    (r"^an RTF document$", "RTF 文档"),
    (r"^a picture$", "图片"),
    (r"^a SQLite database$", "SQLite 数据库"),
    (r"^a Parquet file$", "Parquet 文件"),
    (r"^an encrypted Parquet file$", "加密的 Parquet 文件"),
    (r"^an XML table of Excel 2003$", "Excel 2003 的 XML 表格"),
    (r"^an HTML page$", "HTML 网页"),
    (r"^an XML document$", "XML 文件"),
    (r"^a text file$", "文本文件"),
    (r"^type (\w+)$", r"类型 \1"),
    (r"^the last line has no end$", "最后一行没有换行符"),
    (r"^the last record has no end$", "最后一条记录没有换行符"),
    (r"^inside the compressed data$", "断在压缩数据中间"),
    (r"^inside a character$", "断在一个字符中间"),
    (r"^inside a quoted field$", "断在引号中间"),
    (r"^no FeatureCollection$", "不是 FeatureCollection"),
    (r"^no array of objects$", "不是对象数组"),
    (r"^row (\d+)$", r"第 \1 行"),
    (r"^more than (\d+) MB$", r"超过 \1 MB"),
    (r"\bNUL at byte (\d+)$", r"第 \1 字节为空字符"),
    (r"\bbyte (\d+)$", r"第 \1 字节"),
)


def _in_chinese(detail: str) -> str:
    return next((re.sub(english, zh, detail) for english, zh in _DETAILS if re.search(english, detail)), detail)


def state_reason(kind: str, **words: object) -> str:
    """Why a delivery stands as it does, in one line and both languages."""
    zh, en = STATE_REASONS[kind]
    return f"{en.format(**words)} {zh.format(**words)}"


def row_message(rule: str, label: str, column: str, **more: str) -> Message:
    """The message of a built-in row rule for one column; `more` names what it is held against."""
    zh, en = ROW_RULES[rule]
    words = {"label": label, "column": column, "other": "", "other_column": "", **more}
    return Message(zh.format(**words), en.format(**words))


class DeliveryProblem(Exception):
    """A whole delivery cannot be used. Says which file, where in it, and what to do, never what a row holds."""

    def __init__(self, kind: str, *, file: str = "", line: int | None = None, column: str = "", detail: str = ""):
        zh, en = FILE_PROBLEMS[kind]
        file, detail = ("".join(c if c.isprintable() else "?" for c in text) for text in (file, detail))
        words = {"file": file, "line": line, "column": column, "detail": detail}
        self.kind, self.file, self.line, self.column = kind, file, line, column
        self.message = Message(zh.format(**words | {"detail": _in_chinese(detail)}), en.format(**words))
        super().__init__(self.message.en)

    def describe(self, feed: str, business_on: str, number: str) -> str:
        """One line for a receipt, a log or a screen: where, what, and what to do."""
        where = f"{feed} {business_on}/{number}" + (f" {self.file}" if self.file else "")
        where += f" line {self.line}" if self.line is not None else ""
        return f"{where}: {self.message.en} {self.message.zh}"
