"""Regular expressions for the formats of JSON Schema. A text that matches is valid for every validator.

Where validators disagree, the expressions are narrower than the standards: no comments in an e-mail address, no leap second, no year 0.
"""

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_MONTHS = (
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])"
)
_DATE = f"(?:{_YEAR}-(?:{_MONTHS})|{_LEAP_YEAR}-02-29)"
_HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = f"{_HOUR}:[0-5][0-9](?:\\.[0-9]{{1,6}})?(?:Z|[+-]{_HOUR})"
_LABEL = "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,30}"
_HOST = f"{_LABEL}(?:\\.{_LABEL}){{0,3}}"
_ATOM = "[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]"
_EMAIL = f"{_ATOM}(?:\\.?{_ATOM}){{0,31}}@{_HOST}"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = f"{_BYTE}(?:\\.{_BYTE}){{3}}"
_GROUP = "[0-9A-Fa-f]{1,4}"
_DAY_TIME = "T(?:[0-9]{1,4}H(?:[0-9]{1,4}M(?:[0-9]{1,4}S)?)?|[0-9]{1,4}M(?:[0-9]{1,4}S)?|[0-9]{1,4}S)"
_DAYS = "(?:[0-9]{1,4}Y(?:[0-9]{1,4}M(?:[0-9]{1,4}D)?)?|[0-9]{1,4}M(?:[0-9]{1,4}D)?|[0-9]{1,4}D)"
_URI_TEXT = "(?:[A-Za-z0-9._~:@!$&'()*+,;=/-]|%[0-9A-Fa-f]{2})*"
_QUERY = "(?:\\?(?:[A-Za-z0-9._~:@!$&'()*+,;=/?-]|%[0-9A-Fa-f]{2})*)?(?:#(?:[A-Za-z0-9._~:@!$&'()*+,;=/?-]|%[0-9A-Fa-f]{2})*)?"
_PATH = "(?:[A-Za-z0-9._~@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})(?:[A-Za-z0-9._~@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}|/)*"
_URI = f"[A-Za-z][A-Za-z0-9+.-]*:(?://{_HOST}(?::[0-9]{{1,4}})?(?:/{_URI_TEXT})?|{_PATH}){_QUERY}"

FORMATS = {
    name: f"^(?:{pattern})$"
    for name, pattern in {
        "date": _DATE,
        "time": _TIME,
        "date-time": f"{_DATE}T{_TIME}",
        "duration": f"P(?:{_DAYS}(?:{_DAY_TIME})?|{_DAY_TIME}|[0-9]{{1,4}}W)",
        "email": _EMAIL,
        "idn-email": _EMAIL,
        "hostname": _HOST,
        "idn-hostname": _HOST,
        "ipv4": _IPV4,
        "ipv6": f"(?:{_GROUP}:){{7}}{_GROUP}|::(?:{_GROUP}(?::{_GROUP}){{0,6}})?|{_GROUP}::(?:{_GROUP}(?::{_GROUP}){{0,5}})?",
        "uri": _URI,
        "iri": _URI,
        "uri-reference": f"{_URI}|/{_PATH}{_QUERY}|#?",
        "iri-reference": f"{_URI}|/{_PATH}{_QUERY}|#?",
        "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        "json-pointer": "(?:/(?:[^/~]|~[01])*)*",
        "relative-json-pointer": "(?:0|[1-9][0-9]{0,8})(?:#|(?:/(?:[^/~]|~[01])*)*)",
    }.items()
}
