"""metrics/prepare.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Share


@dataclass(frozen=True)
class Redacted:
    """placeholders put in place of personal data, by kind"""

    email: Annotated[Count, "e-mail addresses, written or spoken"]
    iban: Annotated[Count, "IBANs (bank account numbers) with a valid checksum"]
    card: Annotated[Count, "payment card numbers with a valid Luhn checksum"]
    ip: Annotated[Count, "IPv4 and IPv6 addresses"]
    national_id: Annotated[
        Count, "national identity numbers, recognised by format and checksum or by the words before them"
    ]
    phone: Annotated[Count, "phone numbers"]
    account: Annotated[
        Count, "account, customer and policy numbers and codes that follow such words, wallet addresses, handles"
    ]
    address: Annotated[Count, "street addresses with a house number"]
    name: Annotated[Count, "names from greetings and introductions, wherever they occur in the conversation"]


@dataclass(frozen=True)
class Corrected:
    """label corrections from data/labels/; data/corrected.jsonl has the old and the new value of each"""

    lines: Annotated[Count, "lines of the files, bad ones included"]
    applied: Annotated[Count, "labels that were changed"]
    unchanged: Annotated[Count, "corrections equal to the label that is there"]
    not_approved: Annotated[Count, "lines that were ignored because they are not approved"]
    refused: Annotated[
        Count, "rejected corrections: unknown id or field, or a value that the target schema does not allow"
    ]


@dataclass(frozen=True)
class Prepare:
    """What was read, what was rejected, and what was redacted."""

    transcripts: Annotated[Count, "raw transcripts read, rejected ones included"]
    analyses: Annotated[Count, "raw analyses read, rejected ones included"]
    conversations: Annotated[Count, "distinct ids in transcripts and analyses, plus transcripts without a readable id"]
    accepted: Annotated[Count, "conversations in data/prepared.parquet"]
    duplicates_dropped: Annotated[Count, "raw items that equal an earlier item; dropped, but not counted as rejected"]
    rejected: Annotated[Count, "lines of data/rejected.jsonl"]
    rejected_share: Annotated[Share, "share of the conversations that was rejected; prepare.max_rejected limits it"]
    earliest_start: Annotated[str | None, "first start of an accepted conversation, ISO 8601 in UTC"]
    latest_start: Annotated[str | None, "last start of an accepted conversation, ISO 8601 in UTC"]
    rejected_by_reason: Annotated[Mapping[str, Count], "lines of data/rejected.jsonl by reason"]
    redacted: Redacted
    corrections: Corrected
