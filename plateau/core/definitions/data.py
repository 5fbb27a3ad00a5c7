"""The params of the data: from raw files to token ids."""

from plateau.core.param import (
    FLAG,
    SHARE,
    Definitions,
    Param,
    Section,
    Values,
    choice,
    integer,
    listed,
    nullable,
    text,
)

MANY = 1_000_000_000
DATE: Values = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["2025-12-24"]}
TIME = "([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
HOURS: Values = {
    "type": "string",
    "pattern": f"^({TIME})-({TIME})$",
    "examples": ["08:00-20:00"],
    "description": "opening and closing time, HH:MM-HH:MM",
}
MOMENT: Values = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}([T ].+)?$",
    "examples": ["2025-11-01T00:00:00Z"],
}
SIZE: Values = {"type": "number", "exclusiveMinimum": 0, "maximum": MANY}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAPPING: Values = {"$id": "mapping.schema.json"}  # its values are described in schemas/, by that file
# The columns of data/temporal.parquet but those that hold the conversation and the answer; tests/test_params.py holds that they are.
COLUMNS = (
    "id",
    "start",
    "start_utc",
    "queue_wait_time_seconds",
    "customer_id",
    "agent_id",
    "timestamp",
    "time_of_day",
    "day_of_week",
    "business_hours",
    "holiday",
    "peak_season",
    "days_since_last_contact",
    "contacts_last_30_days",
    "load_last_hour",
)

PRIVACY = Section(
    "privacy",
    "personal data that becomes a placeholder such as [EMAIL_1] before anything is written; false leaves a kind as it is",
    (
        Param("email", FLAG, True, "replace e-mail addresses, written or spoken"),
        Param("phone", FLAG, True, "replace phone numbers"),
        Param("card", FLAG, True, "replace payment card numbers with a right Luhn checksum"),
        Param("iban", FLAG, True, "replace bank account numbers with a right IBAN checksum"),
        Param(
            "national_id",
            FLAG,
            True,
            "replace numbers by which states know people, by shape and checksum or by the words before them",
        ),
        Param(
            "account",
            FLAG,
            True,
            "replace account, customer and policy numbers and codes after such words, wallet addresses, handles",
        ),
        Param("address", FLAG, True, "replace street addresses with a house number"),
        Param("ip", FLAG, True, "replace IPv4 and IPv6 addresses"),
        Param("name", FLAG, True, "replace names given in greetings and introductions, and wherever they then stand"),
        Param(
            "region",
            {"type": ["string", "null"], "pattern": "^[A-Z]{2}$", "examples": ["US"]},
            None,
            "country (ISO 3166) whose phone numbers may lack a country code, or null",
        ),
    ),
)


DATA: Definitions = (
    Section(
        "synthesize",
        "the conversations that are made up where a system has no data of its own",
        (
            Param("conversations", integer(1, 100_000_000), 20632, "conversations to make up"),
            Param("start", DATE, "2025-01-01", "first day, YYYY-MM-DD", ", on which a conversation may start"),
            Param("end", DATE, "2025-12-31", "last day, YYYY-MM-DD", ", on which a conversation may start"),
            Param(
                "label_noise",
                SHARE,
                0.03,
                "chance that a label is redrawn regardless of the conversation",
                ": what no model can learn",
            ),
        ),
        optional=True,
    ),
    Section(
        "prepare",
        "from raw files to valid records",
        (
            Param("max_rejected", SHARE, 0.05, "share of records that may be rejected before the stage fails"),
            PRIVACY,
            Param(
                "mapping",
                MAPPING,
                None,
                "where the raw files keep what a record needs; null when they have the contract's own shape",
                "; docs/your-own-data.md shows how",
            ),
            Param(
                "engine",
                choice("local", "dask"),
                "local",
                "where batches are examined: on this machine, or on a Dask cluster",
                "; local or dask",
            ),
            Param(
                "scheduler",
                {**nullable(text()), "pattern": r"^(\w+://)?[^\s:/]+:\d+$", "examples": ["tcp://10.0.0.1:8786"]},
                None,
                "address of the Dask scheduler; null for a cluster of local processes",
            ),
            Param("workers", nullable(integer(1, 10_000)), None, "processes on this machine; null for one a core"),
            Param(
                "memory_mb",
                integer(16, 100_000_000),
                512,
                "memory for joining and sorting in MiB; more records than fit go to disk",
            ),
        ),
    ),
    Section(
        "temporal",
        "what the clock and the calendar say about a conversation",
        (
            Param("time_zone", text(), "UTC", "IANA time zone", " in which hours, weekdays and months are read"),
            Param(
                "business_hours",
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": dict.fromkeys(DAYS, HOURS),
                },
                {},
                "opening and closing time of each open weekday, HH:MM-HH:MM",
            ),
            Param(
                "holidays",
                {"type": ["string", "null"]},
                None,
                "country code of the holidays library, with a subdivision such as US-CA if wanted, or null",
                "; on its public holidays the centre is closed",
            ),
            Param("closed_dates", listed(DATE), [], "more days on which the centre is closed, YYYY-MM-DD"),
            Param("peak_months", listed(integer(1, 12)), [], "months of peak season, 1 to 12"),
        ),
    ),
    Section(
        "split",
        "which rows train, validate and test",
        (
            Param(
                "strategy",
                choice("time", "random", "hash"),
                "time",
                "how rows are assigned",
                ": time (train on the past, validate and test on later), random (drawn by seed) or hash (by a hash of the group: "
                "a row keeps its split when others are added)",
            ),
            Param(
                "column",
                nullable(text()),
                None,
                "column with a predefined split, train, valid or test, in place of strategy; null for none",
                "; `split` where prepare.mapping says where it stands",
            ),
            Param("train_size", nullable(integer(1, MANY)), None, "rows kept for training; null keeps all"),
            Param("valid_size", SIZE, 200, "rows kept for validation; below 1 a share of all, as hash wants it"),
            Param("test_size", SIZE, 400, "rows kept for the test; below 1 a share of all, as hash wants it"),
            Param(
                "blind_size",
                integer(0, MANY),
                0,
                "rows of the test, in whole groups, that no stage reads until `python -m stages.unseal` opens them, once; 0 for none",
            ),
            Param(
                "calibration_size",
                {"type": "number", "minimum": 0, "maximum": MANY},
                0,
                "rows, or a share below 1, that neither training, stopping nor selection reads; 0 for none",
            ),
            Param(
                "test_from",
                nullable(MOMENT),
                None,
                "first moment of the test, in place of test_size",
                ": with time, it stays there when rows are added; null for none",
            ),
            Param(
                "valid_from",
                nullable(MOMENT),
                None,
                "first moment of validation, in place of valid_size",
                "; null for none",
            ),
            Param(
                "group_by",
                {"type": ["string", "null"], "enum": [*COLUMNS, None]},
                None,
                "column whose values never stand in two splits, such as customer_id; null for none",
            ),
            Param(
                "near_duplicates",
                {"type": "number", "minimum": 0.3, "exclusiveMaximum": 1},
                0.7,
                "share of word triples in common from which two conversations are near-duplicates",
                " and stand in one split",
            ),
            Param(
                "review_rows",
                integer(0, MANY),
                200,
                "most rows of data/review.csv, the labels that a person should look at",
            ),
        ),
    ),
    Section(
        "convert",
        "from records to prompts and token ids",
        (
            Param(
                "instruction",
                {"type": "string"},
                "",
                "text put before the conversation in every prompt",
                "; empty for none",
            ),
            Param(
                "context",
                listed(choice(*COLUMNS)),
                [],
                "columns rendered in the prompt's [TEMPORAL CONTEXT] block",
                ", in this order",
            ),
            Param(
                "template_date",
                DATE,
                "2024-07-26",
                "day, YYYY-MM-DD, that a chat template is told which asks for the date",
                ", so that it renders the same on every day",
            ),
        ),
    ),
)
