"""One TOML file of settings, checked as it is read. What it leaves out has a default."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from warehouse.errors import BadInput
from warehouse.home import ASSISTANTS, local

if TYPE_CHECKING:
    from mining.ingest.validation import DoorConfig


RENAMED = {
    "floors": "min_users",
    "gate.most_flips": "gate.max_negative_flip_rate",
    "gate.most_mib": "gate.max_model_mib",
    "gate.most_ms": "gate.max_latency_ms",
    "log.most_broken": "log.max_broken_share",
    "mining.adapt": "mining.fine_tune",
    "mining.recall": "mining.min_recall",
    "mining.similar": "mining.similarity_threshold",
    "notify": "alert",
    "privacy.most_wordings": "privacy.max_utterances_per_user",
    "tell": "delivery",
    "trigger.fewest_examples": "trigger.min_examples",
    "trigger.fewest_fresh": "trigger.min_new_examples",
    "trigger.worth": "trigger.min_expected_gain",
}


HERE = ("localhost", "127.0.0.1", "::1")


def _private(address: str, name: str) -> str:
    """The host of an address whose connection nobody else reads: by https, or on this machine."""
    before = f"{name}: " if name else ""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"{before}is no address ({error})") from None
    if not url.host or not (url.scheme == "https" or (url.host in HERE and url.scheme == "http")):
        raise ValueError(f"{before}must be an https address")
    return url.host


def _guarded(address: str, remote: bool, name: str, allowing: str) -> None:  # noqa: FBT001
    """Refuse an address to which people's words may not go."""
    host = _private(address, name)
    url = httpx.URL(address)
    if url.userinfo or url.query or url.fragment:
        raise ValueError(
            f"{name} must hold no secret and end in a path; the key is in the environment"
        )
    if host not in HERE and not remote:
        raise ValueError(
            f"{name}: {host} is another machine, to which people's words would go; say {allowing} = true if they may"
        )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rows(_Section):
    """[log.rows]: which rows are a user's, where the log holds both sides'."""

    field: str  # a name of the log's, or a path
    user: list[str | int]  # its values on rows of users
    answer: list[str | int] = []  # and of the assistant, whose texts join the turn before them


class Log(_Section):
    """[log]: how the log is read."""

    path: str | None = None  # file, folder, glob or template with {day}, for nights without LOG
    source: str | None = None  # the system that wrote it, such as rasa; found where it is plain
    locale: str | None = None  # of rows that name none
    time_zone: str | None = None  # of times without a zone; without it such rows are refused
    time_unit: Literal["s", "ms", "us", "ns"] | None = None  # of times that count from 1970
    fallback_intents: list[str] = []  # further names under which nothing was understood
    max_broken_share: float = Field(0.05, ge=0, le=1)  # share of broken rows that ends a run
    columns: dict[str, str] = {}  # our name = "the log's name"
    rows: Rows | None = None

    @field_validator("source")
    @classmethod
    def _read(cls, name: str | None) -> str | None:
        from mining.ingest.sources import READERS

        if name is not None and name not in READERS:
            raise ValueError(f"{name!r} is no source; known: {', '.join(READERS)}")
        return name

    @field_validator("locale")
    @classmethod
    def _spelled(cls, tag: str | None) -> str | None:
        from mining.ingest.locales import spelled

        return tag and spelled(tag)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (ValueError, OSError, KeyError):
                raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from None
        return name

    @field_validator("columns")
    @classmethod
    def _ours(cls, columns: dict[str, str]) -> dict[str, str]:
        from mining.ingest.validation import FIELDS

        for name in columns:
            if name not in FIELDS:
                raise ValueError(f"{name!r} is not a field of the log; known: {', '.join(FIELDS)}")
        named = [columns.get(name, name) for name in FIELDS]
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"{name!r} would be read twice; map the other field elsewhere")
        return columns


class Mining(_Section):
    """[mining]: what is looked for, and where."""

    session_gap_seconds: int | None = Field(None, gt=0)  # silence that ends a session; else learned
    window_days: int = Field(90, gt=0)  # days that count for what is believed
    spark_master: str | None = None  # spark://..., for --engine auto and spark
    encoder: str | None = None  # sentence-transformers model, by folder or name; else the log's own
    fine_tune: bool = False  # teach that model by the log's pairs, too
    similarity_threshold: float | None = Field(
        None, gt=0, lt=1
    )  # cosine from which wordings mean the same; else .83, or learned for an encoder that is set
    min_recall: float = Field(0.95, gt=0, le=1)  # least share of true neighbours to be found
    across_locales: bool = False  # one cluster for all languages; needs a multilingual encoder


class Encoder(_Section):
    """[encoder]: how mining.encoder is read, or asked."""

    revision: str | None = None  # of the model; another one begins anew
    prompt: str | None = None  # before each wording; else the model's own
    dimensions: int | None = Field(None, gt=0)  # the first ones, of models that were taught for it
    backend: Literal["torch", "onnx", "openvino", "static"] = "torch"  # static: of model2vec
    model: str | None = None  # its name, where mining.encoder is an address that ends in /v1
    allow_remote: bool = False  # people's words may go to another machine
    seconds: float = Field(60.0, gt=0)  # that an answer of a server may take


class Voter(_Section):
    """[voter]: a large language model that is asked what is meant where people's doings leave it unsure."""

    address: str | None = None  # of an OpenAI-compatible server, which ends in /v1
    model: str | None = None
    requests: int = Field(200, ge=1)  # a night, at most
    seconds: float = Field(30.0, gt=0)  # that an answer may take
    allow_remote: bool = False  # people's words may go to another machine

    @model_validator(mode="after")
    def _ours(self) -> Self:
        if (self.address is None) != (self.model is None):
            raise ValueError("name both address and model, or neither")
        if self.address is not None:
            _guarded(self.address, self.allow_remote, "voter.address", "voter.allow_remote")
        return self


class Lexicon(_Section):
    """A bilingual lexicon: a file of two columns."""

    path: str
    to: str  # locale of the second column


class Languages(_Section):
    """[languages]: what is known of the words of a locale."""

    lexicon: dict[str, Lexicon] = {}  # by the locale of the first column
    morphology: dict[str, str] = {}  # files of lemma, form, features (UniMorph), by locale
    variants: bool = False  # teach believed wordings in other forms of their words, too

    @field_validator("lexicon")
    @classmethod
    def _abroad(cls, lexicon: dict[str, Lexicon]) -> dict[str, Lexicon]:
        for locale, known in lexicon.items():
            if locale == known.to:
                raise ValueError(f"{locale} is translated to itself; name another locale in to")
        return lexicon


class MinUsers(_Section):
    """[min_users]: distinct users that something needs."""

    published: int = Field(5, ge=1)  # k: for everything published
    training: int = Field(2, ge=1)  # behind a wording's cluster and label, for training


class Privacy(_Section):
    """[privacy]: what is published of what was said, and how long anything is kept."""

    mask: list[Literal["numbers", "addresses", "names"]] = ["numbers", "addresses", "names"]
    name_slots: list[str] = [  # slots whose values are names, as patterns
        "*name*", "*person*", "*contact*", "*relation*", "*mail*", "*phone*", "*address*", "*user*",
    ]  # fmt: skip
    epsilon: float | None = Field(
        None, gt=0
    )  # differential privacy of which wordings are published
    delta: float = Field(1e-6, gt=0, lt=1)  # chance that it does not hold
    max_utterances_per_user: int = Field(10, ge=1)  # of one user that count, with epsilon
    retention_days: int | None = Field(None, gt=0)  # what is older is erased


class Trigger(_Section):
    """[trigger]: when retraining pays."""

    min_examples: int = Field(100, ge=1)
    min_new_examples: int = Field(50, ge=0)
    min_expected_gain: float = Field(0.005, ge=0, le=1)  # share of turns that must come out better
    cool_down: int = Field(3, ge=0)  # nights after a retraining


class Trainer(_Section):
    """[trainer]: a program of the user's own that learns or teaches; see retrain/training/program.py."""

    command: list[str] = []  # instead of the reference trainer; its last word will be a folder
    deployment: str = ""  # or a Prefect deployment, with a parameter folder
    seconds: float = Field(3600.0, gt=0)  # that it may take
    teacher: list[str] = []  # a larger model that answers for the wordings of the training set
    teacher_share: float = Field(0.5, ge=0, le=1)  # of the targets that are the teacher's
    small: bool = (
        False  # what serves needs no encoder: taught by what the reference trainer's answers
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.command and self.deployment:
            raise ValueError("name command or deployment, not both")
        if self.small and (self.command or self.deployment):
            raise ValueError("small is of the reference trainer; leave command and deployment")
        return self


class Trust(_Section):
    """[trust]: what persons confirm."""

    audit: bool = (
        False  # audit labels before a model that learned from them serves for the first time
    )


class Gate(_Section):
    """[gate]: what a challenger may break."""

    max_negative_flip_rate: float = Field(
        0.02, ge=0, le=1
    )  # bound on the share of cases that go wrong
    max_latency_ms: float = Field(
        50.0, gt=0
    )  # milliseconds a wording; people notice a tenth of a second (Nielsen 1993)
    max_model_mib: float = Field(1024.0, gt=0)  # of the model


class Delivery(_Section):
    """[delivery]: whom a decision to retrain goes to, beside Prefect."""

    webhook: str | None = None  # https address; its secret is in SAYAGAIN_WEBHOOK_SECRET
    webhook_seconds: float = Field(10.0, gt=0)  # for connecting, and for the answer
    command: list[str] = []  # reads the message from its standard input
    command_seconds: float = Field(3600.0, gt=0)

    @field_validator("webhook")
    @classmethod
    def _private(cls, address: str | None) -> str | None:
        if address is not None:
            _private(address, "")
        return address


class Alert(_Section):
    """[alert]: whom a failed night tells."""

    block: str | None = None  # a Prefect notification block, such as slack-webhook/ops


class Storage(_Section):
    """[storage]: where what the nights leave lies beside the home."""

    mirror: str | None = None  # s3://bucket/place: where a copy of the home is kept

    @field_validator("mirror")
    @classmethod
    def _addressed(cls, address: str | None) -> str | None:
        if address is not None and "://" not in address:
            raise ValueError(f"{address!r} is no address such as s3://bucket/place")
        return address


class Settings(_Section):
    format: Literal[2] = 2  # of this file
    assistant: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")] | None = None
    log: Log = Log()
    mining: Mining = Mining()
    encoder: Encoder = Encoder()
    voter: Voter = Voter()
    languages: Languages = Languages()
    min_users: MinUsers = MinUsers()
    privacy: Privacy = Privacy()
    trigger: Trigger = Trigger()
    trainer: Trainer = Trainer()
    trust: Trust = Trust()
    gate: Gate = Gate()
    delivery: Delivery = Delivery()
    alert: Alert = Alert()
    storage: Storage = Storage()

    @model_validator(mode="after")
    def _encoder(self) -> Self:
        name, how = self.mining.encoder, self.encoder
        if name is None or "://" not in name:
            if how.model is not None:
                raise ValueError("encoder.model is asked of a server; mining.encoder is no address")
            if self.mining.fine_tune and how.dimensions:
                raise ValueError(
                    "mining.fine_tune teaches all dimensions; leave encoder.dimensions"
                )
            return self
        if how.model is None:
            raise ValueError("encoder.model must name the model that mining.encoder is asked for")
        if self.mining.fine_tune:
            raise ValueError("mining.fine_tune cannot teach a model of a server")
        _guarded(name, how.allow_remote, "mining.encoder", "encoder.allow_remote")
        return self


def load(path: Path | None, source: str | None = None) -> Settings:
    """The settings of a TOML file, the defaults where there is none; BadInput names what is off. `source` is the
    log's, whatever the file says."""
    chosen = _loaded(path)
    if source is None:
        return chosen
    try:
        log = Log.model_validate(chosen.log.model_dump() | {"source": source})
    except ValidationError as error:
        raise BadInput(f"--source: {_told(error)}") from None
    return chosen.model_copy(update={"log": log})


def _loaded(path: Path | None) -> Settings:
    if path is None:
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf8")))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: is not TOML ({error})") from None
    except ValidationError as error:
        raise BadInput(f"{path}: {_told(error)}") from None


def door_of(log: Log, salt: bytes) -> "DoorConfig":
    """How the door reads this log."""
    from mining.ingest.sides import Sides
    from mining.ingest.validation import DoorConfig

    of = log.rows
    sides = (
        Sides(of.field, frozenset(map(str, of.user)), frozenset(map(str, of.answer)))
        if of
        else None
    )
    return DoorConfig(
        salt,
        log.columns,
        log.time_zone,
        time_unit=log.time_unit,
        fallbacks=frozenset(log.fallback_intents),
        source=log.source,
        sides=sides,
        locale=log.locale,
    )


def place(home: Path, settings: Settings) -> Path:
    """The home of the assistant that the settings name, inside the given one; else the given one."""
    home = local(home)
    if not settings.assistant or home.match(f"{ASSISTANTS}/{settings.assistant}"):
        return home
    return home / ASSISTANTS / settings.assistant


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(p) for p in first["loc"]]
    if first["type"] == "extra_forbidden":
        if now := RENAMED.get(".".join(place)):
            return f"{'.'.join(place)} is called {now} since 0.2.0"
        section: Any = Settings
        for name in place[:-1]:
            section = _inside(section, name)
        return f"{'.'.join(place)} is unknown; known: {', '.join(sorted(section.model_fields))}"
    told = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place)}: {told}" if place else told


def _inside(section: Any, name: str) -> Any:
    """The kind of what a section, or a table of sections, has by this name."""
    named = get_args(section)
    return named[-1] if named else section.model_fields[name].annotation
