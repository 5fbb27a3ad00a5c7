"""metrics/prepare.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Share


@dataclass(frozen=True)
class Redacted:
    """placeholders put in place of personal data, by kind"""

    email: Annotated[Count, "e-mail addresses, written or spoken"]
    iban: Annotated[Count, "bank account numbers with a right IBAN checksum"]
    card: Annotated[Count, "payment card numbers with a right Luhn checksum"]
    ip: Annotated[Count, "IPv4 and IPv6 addresses"]
    national_id: Annotated[
        Count, "numbers by which states know people, by shape and checksum or by the words before them"
    ]
    phone: Annotated[Count, "phone numbers"]
    account: Annotated[
        Count, "account, customer and policy numbers and codes after such words, wallet addresses, handles"
    ]
    address: Annotated[Count, "street addresses with a house number"]
    name: Annotated[Count, "names given in greetings and introductions, and wherever they then stand"]


@dataclass(frozen=True)
class Corrected:
    """what the files in data/labels/ changed; data/corrected.jsonl has both values of each"""

    lines: Annotated[Count, "lines of the files, bad ones included"]
    applied: Annotated[Count, "labels that are other ones now"]
    unchanged: Annotated[Count, "corrections that say what the label is already"]
    not_approved: Annotated[Count, "lines that were not approved, hence left aside"]
    refused: Annotated[
        Count, "corrections among the rejects: an unknown id or field, or a value that the target may not have"
    ]


@dataclass(frozen=True)
class Prepare:
    """What came in and what was set aside."""

    transcripts: Annotated[Count, "raw transcripts read, bad ones included"]
    analyses: Annotated[Count, "raw analyses read, bad ones included"]
    conversations: Annotated[Count, "distinct ids in either kind of file, and transcripts whose id cannot be read"]
    accepted: Annotated[Count, "conversations that go on"]
    duplicates_dropped: Annotated[Count, "raw items equal to an earlier one, dropped without a reject"]
    rejected: Annotated[Count, "lines of data/rejected.jsonl"]
    rejected_share: Annotated[Share, "share of the conversations that was lost; prepare.max_rejected limits it"]
    earliest_start: Annotated[str | None, "first start of an accepted conversation, ISO 8601 in UTC"]
    latest_start: Annotated[str | None, "last start of an accepted conversation, ISO 8601 in UTC"]
    rejected_by_reason: Annotated[Mapping[str, Count], "lines of data/rejected.jsonl by reason"]
    redacted: Redacted
    corrections: Corrected
