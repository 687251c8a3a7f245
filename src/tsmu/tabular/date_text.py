"""The words and patterns of dates as people write them, in six languages."""

import re
import unicodedata
from itertools import chain

# Full names of the months in English, French, Spanish, Italian, German and Portuguese, without accents.
MONTH_NAMES = (
    "january february march april may june july august september october november december",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)
OTHER_MONTHS = {"jaenner": 1, "janner": 1, "feber": 2, "maerz": 3, "setiembre": 9, "sept": 9}
WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi domenica montag dienstag mittwoch donnerstag freitag samstag sonntag"
)
# Texts that mean that there is no date, without accents and in small letters.
NO_DATE = (
    "|n/a|#n/a|na|nan|nat|none|null|<null>|-|--|---|?|??|???|.|x|xx|unknown|unknown date|date unknown|unk|unkn|n.a.|"
    "n.d.|nd|n.d|no date|no data|nodata|undated|not known|not available|undetermined|tbd|inconnu|inconnue|"
    "date inconnue|desconocido|desconocida|fecha desconocida|sin fecha|s/f|s.f.|s.d.|sans date|sconosciuto|"
    "sconosciuta|data sconosciuta|non noto|unbekannt|datum unbekannt|ohne datum|k.a.|0|-1|-99|-999|-9999|9999|99999|"
    "0000|0000-00-00|0000/00/00|00/00/0000|00.00.0000|00000000|xxxx|xxxx-xx-xx|0000-00-00 00:00:00|1900-01-00"
)
UNKNOWN_WORDS = frozenset(NO_DATE.split("|"))

TIME = re.compile(
    r"(?:(?<=\d)t|[\s,]*\bat\s+|[\s,]+|^)\d{1,2}(?:\s?[ap]\.?m\.?(?![a-z])|(?::|h)\d{2}(?::\d{2}(?:[.,]\d+)?)?"
    r"\s*(?:[ap]\.?m\.?(?![a-z]))?(?:h|hrs|\s*uhr)?)"
    r"\s*(?:local(?:\s+time)?|\(local(?:\s+time)?\)|z(?![a-z])|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?(?![\d./-])|"
    r"(?:utc|gmt|cet|cest|bst|ist|jst|npt|pst|pdt|est|edt|mst|mdt|akst|akdt|hst|cst|cdt|nzst|nzdt|aest)(?![a-z]))?"
    r"(?:\[[\w/]+\])?",
    re.A,
)
BASIC_TIME = re.compile(r"(?<=\d{8})t\d{2,6}(?:\.\d+)?(?:z|[+-]\d{2}:?\d{2})?$", re.A)
PLAIN_HOUR = re.compile(r"(?<=\d-\d{2})t\d{2}(?:z|[+-]\d{2}(?::?\d{2})?)?$", re.A)
COLON_DATE = re.compile(r"^(\d{4}):(\d{2}):(\d{2})(?=\s|$)", re.A)
WEEKDAY = re.compile(rf"\b(?:{WEEKDAYS.replace(' ', '|')})\b\.?,?\s*")
ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|º|ª|°|\.(?=\s*[a-z]))(?![a-z])", re.A)
FILLER = re.compile(r"\b(?:the|of|de|del|di|der|den|dem|le|el|il|du|on|dia|do|da)\b\s*")
UNSURE = re.compile(
    r"^(?:ca\.?|c\.|circa|about|approx(?:\.|imately)?|around|probably|prob\.|possibly|vers|env\.?|environ|hacia|etwa|"
    r"um|verso|~|≈)\s*|\s*(?:\(\?+\)|\?+|\((?:approx|estimated|est|uncertain|probable)\.?\)|\bapprox\.?|\best\.?)$"
)
PART_OF_PERIOD = re.compile(
    r"^(?:early|mid|middle|late|beginning|begin|start|end|evening|morning|afternoon|during|first half|second half|"
    r"debut|mi|fin|anfang|mitte|ende|"
    r"principios|mediados|finales|inizio|meta|fine)\b[\s-]*(?=\S)"
)
BEFORE = re.compile(r"^(?:before|prior to|earlier than|pre-?|<|avant|antes|vor|prima)\s*(?=[\da-z])")
UNTIL = re.compile(
    r"^(?:until|till|up to|to|by|no later than|not later than|at the latest|<=|≤|\.\.\.?/?|/|"
    r"jusqu'?a|jusqu'?en|hasta|bis|fino)\s*(?=[\da-z])"
)
AFTER = re.compile(r"^(?:after|later than|post-?|>|apres|despues|nach|dopo)\s*(?=[\da-z])")
SINCE = re.compile(r"^(?:since|from|starting|>=|≥|depuis|desde|seit|ab|dal|da)\s*(?=[\da-z])")
ONWARDS = re.compile(r"\s*(?:/\.\.|\.\.\.?|/|\bonwards?|\bor later|\band later|\+|-)$")
OR_EARLIER = re.compile(r"\s*\b(?:or earlier|or before|and earlier|and before)$")
BETWEEN = re.compile(r"^(?:between|from|entre|zwischen|tra|vom|von|du|del|dal|de|desde|da)\s+")
RANGE_SEPARATOR = re.compile(
    r"\s*(?:/|\.\.\.?|~|_|;|&|--|\bto\b|\bthrough\b|\bthru\b|\buntil\b|\btill\b|\band\b|\bbis\b|\bund\b|\bau\b|"
    r"\bet\b|\bal\b|\ba\b|\be\b|\by\b|\bhasta\b|\bor\b)\s*|\s+-\s+|(?<=[^\s-])-(?=[^\s-])"
)

YEAR_FIRST = re.compile(r"(\d{4})(\s?[-/.\s])(\d{1,2})\2(\d{1,2})", re.A)
YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.\s])\s?(\d{1,2})\s?\2\s?(\d{4})", re.A)
SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2'?(\d{2})", re.A)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.A)
COMPACT_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2})(?:\.?\d{1,6})?)?)?", re.A)
DAY_OF_YEAR = re.compile(r"(\d{4})-?(\d{3})", re.A)
DAY_NAMED = re.compile(r"(\d{1,2})[-./\s]*([a-z]{3,10})\.?,?[-./\s]*('?\d{2}|\d{4})", re.A)
NAMED_DAY = re.compile(r"([a-z]{3,10})\.?[-\s]*(\d{1,2})\.?,?[-\s]+('\d{2}|\d{4})", re.A)
YEAR_NAMED_DAY = re.compile(r"(\d{4})[-,./\s]*([a-z]{3,10})\.?[-./\s]*(\d{1,2})", re.A)
YEAR = re.compile(r"(\d{4})", re.A)
YEAR_MONTH = re.compile(r"(\d{4})\s?[-/.]\s?(\d{1,2})", re.A)
YEAR_MONTH_COMPACT = re.compile(r"(\d{4})(0[1-9]|1[0-2])", re.A)
MONTH_YEAR = re.compile(r"(\d{1,2})\s?[-/.]\s?(\d{4})", re.A)
NAMED_MONTH = re.compile(r"([a-z]{3,10})\.?,?[-/\s]*('\d{2}|\d{4})", re.A)
NAMED_MONTH_SHORT = re.compile(r"([a-z]{3,10})\.?[-/](\d{2})", re.A)
YEAR_NAMED_MONTH = re.compile(r"(\d{4})[-,/.\s]*([a-z]{3,10})\.?", re.A)
WINTER = re.compile(r"(\d{4})[-/](\d{2})", re.A)
WEEK = re.compile(r"(\d{4})\s?-?\s?(?:w|week|wk|kw|semaine|semana|settimana)\s?\.?(\d{1,2})(?:-?([1-7]))?", re.A)
WEEK_FIRST = re.compile(r"(?:w|week|wk|kw|semaine|semana|settimana)\s?\.?(\d{1,2})[\s,/-]+(\d{4})", re.A)
QUARTER = re.compile(r"(\d{4})\s?-?\s?q([1-4])|q([1-4])[\s,/-]*(\d{4})", re.A)
DECADE = re.compile(r"(\d{3})(?:0s|[xu?])", re.A)
NO_DAY = re.compile(
    r"(\d{4})([-/.]?)(\d{2})\2(?:xx|uu|\?\?|00|--|__)|(?:xx|uu|\?\?|00)[-/.](\d{1,2})[-/.](\d{4})", re.A
)
NO_MONTH = re.compile(
    r"(\d{4})(?:([-/.]?)(?:xx|uu|\?\?|00|--|__)\2(?:xx|uu|\?\?|00|--|__)|[-/.](?:xx|uu|\?\?|00))"
    r"|(?:(?:xx|uu|\?\?|00)[-/.]){1,2}(\d{4})",
    re.A,
)
SINCE_1970 = re.compile(r"-?\d{9,13}|-?\d{16}|-?\d{19}", re.A)
EXCEL_DAY_NUMBER = re.compile(r"(\d{5})(?:[.,]\d+)?", re.A)


def _month_prefixes() -> dict[str, int]:
    """The beginnings of months' names, three letters or longer, that mean the same month in all languages."""
    months_of_prefix: dict[str, set[int]] = {}
    numbered = chain.from_iterable(enumerate(names.split(), start=1) for names in MONTH_NAMES)
    for number, name in chain(numbered, ((number, name) for name, number in OTHER_MONTHS.items())):
        for length in range(3, len(name) + 1):
            months_of_prefix.setdefault(name[:length], set()).add(number)
    return {name: numbers.pop() for name, numbers in months_of_prefix.items() if len(numbers) == 1}


MONTHS = _month_prefixes()


def means_no_date(text: str) -> bool:
    """Whether a text means that there is no date: it is empty, or one such as `unknown`, `n/a`, `?`, `0000-00-00`.

    Example:
        >>> means_no_date("n/a"), means_no_date("2018")
        (True, False)
    """
    return normalise_text(text) in UNKNOWN_WORDS


def normalise_text(text: str) -> str:
    """Convert a text to small letters without accents, with single blanks and plain hyphens."""
    decomposed = unicodedata.normalize("NFKD", text.replace("º", "°").replace("ª", "°").replace("…", "...").casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    bare = (
        bare.replace("\u2019", "'")
        .replace("\u2212", "-")
        .replace("\u2010", "-")
        .replace("\u2011", "-")
        .replace("\u2013", "-")
        .replace("\u2014", "-")
    )
    return " ".join(bare.split()).strip("\"'").strip()


def strip_time(text: str) -> str:
    """Remove times of day, weekdays and the endings of ordinal numbers from a normalised text."""
    text = COLON_DATE.sub(r"\1-\2-\3", text)
    text = BASIC_TIME.sub("", text)
    text = PLAIN_HOUR.sub("", text)
    text = TIME.sub(" ", text)
    text = WEEKDAY.sub("", text)
    text = ORDINAL.sub(r"\1 ", text)
    return " ".join(text.split()).strip(", ")
