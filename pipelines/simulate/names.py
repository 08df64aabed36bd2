"""Names: Chinese ones from lists of surnames and given names by generation, minority and foreign ones whole.

A name is made-up from lists; rare characters of GB 18030 occur on purpose. Who inherits whose surname is decided in
population.
"""

import numpy as np
import polars as pl

_SURNAMES = (
    "王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 郭 何 高 林 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 肖 田 董 袁 潘 于 蒋 蔡 "
    "余 杜 叶 程 苏 魏 吕 丁 任 沈 姚 卢 姜 崔 钟 谭 陆 汪 范 金 石 廖 贾 夏 韦 付 方 白 邹 孟 熊 秦 邱 江 尹 薛 闫 段 雷 侯 "
    "龙 史 陶 黎 贺 顾 毛 郝 龚 邵 万 钱 严 覃 武 戴 莫 孔 向 汤 俞 倪 翁 诸 柏 干 计 卫 尤 费 欧阳 诸葛 上官 司徒 㛃 仝 逄 亓"
).split()
_LOCAL = set("沈 陆 徐 朱 张 顾 吴 王 钱 周 陈 杨 金 俞 倪 蒋 曹 姚 高 夏 诸 卫 许 唐 陶 俞 邵 翁 计 费".split())
_MALE_OLD = "国 建 志 明 德 福 金 荣 根 林 生 永 海 宝 祥 全 水 龙 火 兴 才 华 强 军 平 东 民 伯 仁 炳 财 余 土 余 堂".split()
_FEMALE_OLD = "秀 英 玉 珍 兰 桂 凤 芳 妹 娥 金 华 梅 美 琴 珠 宝 仙 莲 香 菊 红 惠 娟 萍 琳 菊 云 林 翠".split()
_MALE = "伟 强 磊 军 勇 杰 涛 超 明 刚 辉 鹏 飞 斌 浩 波 亮 建 文 志 俊 峰 洋 龙 宁 凯 旭 健 晨 海 庆 成 永 东 阳 帅 宏".split()
_FEMALE = "丽 敏 静 艳 娟 霞 芳 燕 玲 婷 雪 梅 红 莉 颖 慧 洁 琳 倩 萍 晶 娜 蕾 欢 丹 云 琴 佳 薇 晓 文 春 雅 群 思".split()
_MALE_NEW = "梓 浩 宇 轩 子 涵 俊 熙 奕 辰 博 睿 泽 一 诺 佑 霖 铭 煜 皓 昊 然 逸 晨 沐 言 景 澄 嘉 骏 乐".split()
_FEMALE_NEW = "梓 涵 欣 怡 诗 雨 桐 子 萱 依 诺 悦 芮 语 妍 一 沐 可 馨 若 汐 苒 予 安 琪 思 瑶 心 晴 梦 洛".split()
_RARE = ["䶮", "㛃", "堃", "𬭎"]
_MINORITY = [
    f"{given}·{family}"
    for given in "阿卜杜拉 买买提 阿依古丽 古丽娜尔 艾力 努尔兰 阿迪力 热依汗 帕提古丽 卡德尔 扎西 次仁 巴特尔 其其格".split()
    for family in "买买提 艾买提 吐尔逊 阿布都热合曼 玉素甫 依明 哈斯木 多吉 卓玛 乌云 吾买尔 肉孜".split()
]
_LATIN_GIVEN = (
    "James Maria John Anna David Emma Michael Sofia Robert Olivia Thomas Laura Daniel Julia Peter Elena Paul Sarah Kenji "
    "Yuki Haruto Sakura Minjun Jiwoo Seoyeon Ahmed Fatima Ivan Olga Carlos Lucia Pierre Chloe Hans Greta Luca Giulia"
).split()
_LATIN_FAMILY = (
    "Smith Johnson Brown Miller Garcia Martinez Mueller Schmidt Rossi Ferrari Dubois Martin Tanaka Suzuki Sato Yamamoto "
    "Kim Lee Park Choi Ivanov Petrov Nguyen Tran Singh Kumar Silva Santos Andersson Hansen O'Neill van-Dijk"
).split()
_GENERATIONS = ((_MALE_OLD, _FEMALE_OLD), (_MALE, _FEMALE), (_MALE_NEW, _FEMALE_NEW))
SURNAMES = len(_SURNAMES)
_rank = np.arange(SURNAMES)
_WEIGHTS = 1 / (_rank + 6.0)
_WEIGHTS_LOCAL = _WEIGHTS * np.array([6.0 if name in _LOCAL else 0.7 for name in _SURNAMES])


def surnames(rng: np.random.Generator, local: np.ndarray) -> np.ndarray:
    """Surname indices (int16); `local` marks people of the Shanghai countryside, where other names are common."""
    result = np.empty(len(local), dtype=np.int16)
    for mask, weights in ((local, _WEIGHTS_LOCAL), (~local, _WEIGHTS)):
        bounds = np.cumsum(weights) / weights.sum()
        result[mask] = np.minimum(np.searchsorted(bounds, rng.random(int(mask.sum()))), SURNAMES - 1)
    return result


def _given(rng: np.random.Generator, sex: np.ndarray, birth_year: np.ndarray) -> pl.Series:
    """Given names of one or two characters in the taste of the birth year."""
    generation = np.digitize(birth_year, [1970, 2005])
    pools = [chars for pair in _GENERATIONS for chars in pair]
    offsets = np.cumsum([0, *[len(chars) for chars in pools]])
    pool = generation * 2 + (sex == 2)
    sizes = np.array([len(chars) for chars in pools])
    every = pl.Series([char for chars in pools for char in chars] + [""])
    first = offsets[pool] + np.floor(rng.random(len(sex)) * sizes[pool]).astype(np.int64)
    second = offsets[pool] + np.floor(rng.random(len(sex)) * sizes[pool]).astype(np.int64)
    single = rng.random(len(sex)) < np.array([0.22, 0.30, 0.08])[generation]
    second = np.where(single, len(every) - 1, second)
    return every.gather(first) + every.gather(second)


def chinese(rng: np.random.Generator, surname: np.ndarray, sex: np.ndarray, birth_year: np.ndarray) -> pl.Series:
    """Full Chinese names; about one in 3,000 ends in a rare character, at least one where there are 100 people."""
    names = pl.Series(_SURNAMES).gather(surname) + _given(rng, sex, birth_year)
    rare = rng.random(len(sex)) < 1 / 3_000
    if len(sex) >= 100:
        rare[rng.integers(0, len(sex), 4)] = True
    rows = np.flatnonzero(rare)
    if len(rows) == 0:
        return names
    ends = pl.Series([_RARE[place % len(_RARE)] for place in range(len(rows))])
    return names.scatter(rows, pl.Series(_SURNAMES).gather(surname[rows]) + ends)


def minority(rng: np.random.Generator, count: int) -> pl.Series:
    """`count` names of two parts joined by a middle dot."""
    return pl.Series(_MINORITY, dtype=pl.String).gather(rng.integers(0, len(_MINORITY), count))


def latin(rng: np.random.Generator, count: int) -> pl.Series:
    """`count` foreign names as passports print them (FAMILY GIVEN)."""
    family = pl.Series([name.upper() for name in _LATIN_FAMILY]).gather(rng.integers(0, len(_LATIN_FAMILY), count))
    given = pl.Series([name.upper() for name in _LATIN_GIVEN]).gather(rng.integers(0, len(_LATIN_GIVEN), count))
    return family + " " + given
