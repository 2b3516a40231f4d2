"""Every setting of the package, declared once: name, environment variable, default, meaning.

The only place that reads the environment. A value is looked up as argument → environment → file → default; an empty
string counts as unset. Langfuse's own variable names work unchanged. ``docs/settings.md`` is generated from
``SETTINGS`` and a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from langfuse_otel import setting_values as parse
from langfuse_otel.errors import SettingsError
from langfuse_otel.setting_values import ContentCapture

ENV_FILE_VARIABLE = "LANGFUSE_ENV_FILE"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: Keyword argument and attribute of ``Settings``.
        env: Its environment variable.
        default: Value when nobody says anything.
        parse: Text or argument → value; raises ValueError with what is wrong.
        help: One line for the docs, with the unit.
        also: Older or neighbouring variables, asked in this order when ``env`` is not set.
        secret: Never printed.
    """

    name: str
    env: str
    default: Any
    parse: Callable[[Any], Any]
    help: str
    also: tuple[str, ...] = ()
    secret: bool = False


# Where build systems put the commit, asked when no release is set (langfuse-api.md, section 6.1).
_RELEASE_VARIABLES = (
    "RENDER_GIT_COMMIT",
    "CI_COMMIT_SHA",
    "CIRCLE_SHA1",
    "SOURCE_VERSION",
    "TRAVIS_COMMIT",
    "GIT_COMMIT",
    "GITHUB_SHA",
    "BITBUCKET_COMMIT",
    "BUILD_SOURCEVERSION",
    "DRONE_COMMIT_SHA",
)

SETTINGS: tuple[Setting, ...] = (
    # Where to
    Setting("public_key", "LANGFUSE_PUBLIC_KEY", None, parse.text, "Public key of the Langfuse project (`pk-lf-…`)."),
    Setting("secret_key", "LANGFUSE_SECRET_KEY", None, parse.text, "Its secret key (`sk-lf-…`).", secret=True),
    Setting(
        "base_url",
        "LANGFUSE_BASE_URL",
        "https://cloud.langfuse.com",
        parse.url,
        "Langfuse's address: EU cloud by default; `https://us.cloud.langfuse.com`, your own, or the local server's.",
        also=("LANGFUSE_HOST",),
    ),
    Setting(
        "wire",
        "OTEL_EXPORTER_LANGFUSE_WIRE",
        "auto",
        parse.choice("auto", "otlp", "ingestion"),
        "Protocol: `otlp`, `ingestion` (self-hosted Langfuse v2 and v3), or `auto`: OTLP unless the server has none.",
    ),
    Setting(
        "timeout_s", "LANGFUSE_TIMEOUT", 5.0, parse.number(0.001, 3600), "Longest duration of one request, seconds."
    ),
    Setting(
        "headers",
        "OTEL_EXPORTER_LANGFUSE_HEADERS",
        {},
        parse.headers,
        "More HTTP headers, `name=value,name=value`, percent-encoded.",
        secret=True,
    ),
    Setting(
        "certificate", "OTEL_EXPORTER_LANGFUSE_CERTIFICATE", None, parse.existing_file, "PEM file of the CAs to trust."
    ),
    Setting(
        "compression",
        "LANGFUSE_OTEL_COMPRESSION",
        "none",
        parse.choice("none", "gzip"),
        "Compression of OTLP requests: `gzip` sends a quarter of the bytes for half as much CPU again.",
    ),
    # What about
    Setting(
        "environment",
        "LANGFUSE_TRACING_ENVIRONMENT",
        None,
        parse.environment,
        "Langfuse environment of all traces; else OTel's `deployment.environment.name`; else `default`.",
    ),
    Setting(
        "release",
        "LANGFUSE_RELEASE",
        None,
        parse.text,
        "Release of the application; else the commit that common build systems export.",
        also=_RELEASE_VARIABLES,
    ),
    Setting("tracing_enabled", "LANGFUSE_TRACING_ENABLED", True, parse.boolean, "`false` turns exporting off."),
    Setting(
        "sample_rate",
        "LANGFUSE_SAMPLE_RATE",
        1.0,
        parse.number(0, 1),
        "Share of traces sent, decided by the trace's id.",
    ),
    Setting(
        "spans",
        "OTEL_EXPORTER_LANGFUSE_SPANS",
        "all",
        parse.choice("all", "llm"),
        "Spans to send: `all`, or `llm`: those of LLM calls, what they contain and what contains them.",
    ),
    Setting(
        "left_out_scopes",
        "OTEL_EXPORTER_LANGFUSE_LEFT_OUT_SCOPES",
        (),
        parse.names,
        "Instrumentation scopes whose spans are not sent, with commas between and `*` as wildcard.",
    ),
    Setting(
        "only_own_spans",
        "OTEL_EXPORTER_LANGFUSE_ONLY_OWN_SPANS",
        False,
        parse.boolean,
        "Take only spans that name this project's key (`propagate_attributes(public_key=...)`), where several "
        "exporters stand side by side.",
    ),
    Setting("debug", "LANGFUSE_DEBUG", False, parse.boolean, "Log each request at DEBUG."),
    # What to leave out
    Setting(
        "capture",
        "LANGFUSE_CAPTURE",
        "all",
        parse.choice("all", "input", "output", "none"),
        "Content that leaves the process, whoever recorded it: `all`, `input`, `output` or `none`.",
    ),
    Setting(
        "mask",
        "LANGFUSE_MASK",
        ("key",),
        parse.masks,
        "What to hide wherever it stands: `email`, `phone`, `card`, `key` (keys and tokens), with commas between, or "
        "`none`; in code also a function `mask(data=...)` as Langfuse's SDK takes it.",
    ),
    Setting(
        "attributes_allow",
        "LANGFUSE_ATTRIBUTES_ALLOW",
        (),
        parse.names,
        "Span attributes to keep as metadata, with commas between and `*` as wildcard; all by default.",
    ),
    Setting(
        "attributes_deny",
        "LANGFUSE_ATTRIBUTES_DENY",
        (),
        parse.names,
        "Attributes of spans and their resource to leave out, likewise; wins.",
    ),
    Setting(
        "prices",
        "LANGFUSE_PRICES",
        "server",
        parse.choice("server", "public"),
        "Who prices a call whose span gives no cost: Langfuse's own table, or the list of `genai-prices` "
        "(extra `prices`).",
    ),
    # Delivery
    Setting(
        "delivery",
        "OTEL_EXPORTER_LANGFUSE_DELIVERY",
        "best_effort",
        parse.choice("best_effort", "at_least_once"),
        "`best_effort`: spans wait in memory. `at_least_once`: they wait on disk, and survive the process.",
    ),
    Setting(
        "max_queue_spans",
        "OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_SPANS",
        50_000,
        parse.number(1, whole=True),
        "Spans that may wait in memory; further ones are refused and counted.",
    ),
    Setting(
        "max_queue_bytes",
        "OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_BYTES",
        64 * 1024 * 1024,
        parse.number(1024, whole=True),
        "The same in bytes of their attributes, estimated from one span in eight while less than a quarter is used. "
        "What one span has beyond that is cut.",
    ),
    Setting(
        "backpressure",
        "OTEL_EXPORTER_LANGFUSE_BACKPRESSURE",
        "drop_newest",
        parse.choice("drop_newest", "drop_oldest", "block", "sample"),
        "What gives way when the queue in memory fills: `drop_newest`, `drop_oldest`, `block` (the application waits, "
        "bounded), or `sample` (fewer and fewer traces, each whole, errors always).",
    ),
    Setting(
        "pressure_high",
        "OTEL_EXPORTER_LANGFUSE_PRESSURE_HIGH",
        0.8,
        parse.number(0.01, 1),
        "Share of the queue in use at which pressure begins.",
    ),
    Setting(
        "pressure_low",
        "OTEL_EXPORTER_LANGFUSE_PRESSURE_LOW",
        0.5,
        parse.number(0, 1),
        "Share of the queue in use at which pressure ends.",
    ),
    Setting(
        "block_timeout_s",
        "OTEL_EXPORTER_LANGFUSE_BLOCK_TIMEOUT",
        0.1,
        parse.number(0, 60),
        "Longest that the end of one span may wait for room with `block`, seconds; then it is refused.",
    ),
    Setting("max_batch_spans", "LANGFUSE_FLUSH_AT", 512, parse.number(1, whole=True), "Most spans in one request."),
    Setting(
        "max_batch_bytes",
        "OTEL_EXPORTER_LANGFUSE_MAX_BATCH_BYTES",
        4_000_000,
        parse.number(1024, whole=True),
        "Most bytes in one request, before compression (Langfuse Cloud takes 5 MB).",
    ),
    Setting(
        "flush_interval_s",
        "LANGFUSE_FLUSH_INTERVAL",
        5.0,
        parse.number(0.01, 3600),
        "Longest wait of a span before it is sent, seconds.",
    ),
    Setting(
        "shutdown_timeout_s",
        "OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT",
        5.0,
        parse.number(0, 3600),
        "Most seconds that we may hold up the exit of the program to deliver what is left.",
    ),
    Setting(
        "retry_initial_s",
        "OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL",
        1.0,
        parse.number(0.001, 3600),
        "First retry's longest pause, seconds; it doubles from there. Retry-After wins.",
    ),
    Setting(
        "retry_max_s", "OTEL_EXPORTER_LANGFUSE_RETRY_MAX", 30.0, parse.number(0.001, 3600), "Longest pause, seconds."
    ),
    Setting(
        "max_concurrent_requests",
        "OTEL_EXPORTER_LANGFUSE_MAX_CONCURRENT_REQUESTS",
        4,
        parse.number(1, 64, whole=True),
        "Most requests under way at a time; more than one only while more waits than one request takes.",
    ),
    Setting(
        "breaker_failures",
        "OTEL_EXPORTER_LANGFUSE_BREAKER_FAILURES",
        5,
        parse.number(1, whole=True),
        "Requests that fail in a row before the circuit breaker opens.",
    ),
    Setting(
        "breaker_open_s",
        "OTEL_EXPORTER_LANGFUSE_BREAKER_OPEN",
        30.0,
        parse.number(0.001, 3600),
        "How long an open breaker lets no request through, seconds.",
    ),
    Setting(
        "breaker_successes",
        "OTEL_EXPORTER_LANGFUSE_BREAKER_SUCCESSES",
        2,
        parse.number(1, whole=True),
        "Probes that have to succeed in a row, one at a time, before it closes again.",
    ),
    Setting(
        "drain_on_sigterm",
        "OTEL_EXPORTER_LANGFUSE_DRAIN_ON_SIGTERM",
        True,
        parse.boolean,
        "Deliver what is left at SIGTERM where the application has no handler of its own.",
    ),
    Setting(
        "unfinished_spans",
        "LANGFUSE_UNFINISHED_SPANS",
        False,
        parse.boolean,
        "Send the spans that have not ended when the program does, marked as unfinished (level `WARNING`); else they "
        "are counted.",
    ),
    Setting(
        "spool_directory",
        "OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY",
        None,
        parse.text,
        "Where spans wait with `at_least_once`; else `langfuse-otel/spool` in `$XDG_STATE_HOME` or `~/.local/state`.",
    ),
    Setting(
        "spool_fsync",
        "OTEL_EXPORTER_LANGFUSE_SPOOL_FSYNC",
        "interval",
        parse.choice("always", "interval", "off"),
        "When what is on disk is also safe from a power cut: at the end of each span, within half a second, or when "
        "the system likes.",
    ),
    Setting(
        "max_spool_bytes",
        "OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES",
        1024 * 1024 * 1024,
        parse.number(1024 * 1024, whole=True),
        "Most bytes that the spool directory may take.",
    ),
    Setting(
        "max_spool_age_s",
        "OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_AGE",
        7 * 24 * 3600.0,
        parse.number(60),
        "How long a span may wait there, seconds; then it is dropped and counted.",
    ),
    Setting(
        "spool_when_full",
        "OTEL_EXPORTER_LANGFUSE_SPOOL_WHEN_FULL",
        "refuse_newest",
        parse.choice("refuse_newest", "drop_oldest"),
        "Which spans give way when the spool is full.",
    ),
    Setting(
        "upload_media",
        "LANGFUSE_MEDIA_UPLOAD_ENABLED",
        True,
        parse.boolean,
        "Upload images, sound and files found in observations, and leave references; `false` leaves them inside.",
    ),
    Setting(
        "max_medium_bytes",
        "OTEL_EXPORTER_LANGFUSE_MAX_MEDIUM_BYTES",
        50_000_000,
        parse.number(1, 1_000_000_000, whole=True),
        "Largest image, sound or file that is uploaded; of larger ones a note stays.",
    ),
    Setting(
        "exporter_metrics",
        "OTEL_EXPORTER_LANGFUSE_METRICS",
        True,
        parse.boolean,
        "Tell OpenTelemetry metrics, where the application has some, how delivery and the prompt client do: "
        "docs/operations/metrics.md.",
    ),
    # Instrumentations
    Setting(
        "capture_content",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        ContentCapture.SPAN_ONLY,
        parse.content_capture,
        "Whether our instrumentations record messages: `SPAN_ONLY` or `NO_CONTENT`.",
    ),
    Setting(
        "instrument_over_foreign",
        "LANGFUSE_INSTRUMENT_OVER_FOREIGN",
        False,
        parse.boolean,
        "Instrument a client although another instrumentation wraps it already.",
    ),
    Setting(
        "disabled_instrumentations",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        (),
        parse.names,
        "Instrumentations that `configure()` leaves out, as OpenTelemetry's loader does: `langfuse_openai` …, or `*`.",
    ),
    Setting(
        "stream_usage",
        "LANGFUSE_STREAM_USAGE",
        False,
        parse.boolean,
        "Ask OpenAI-like servers for the usage of streamed answers, and hide the extra chunk from the application.",
    ),
    # Prompts
    Setting(
        "prompt_cache_ttl_s",
        "LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS",
        60.0,
        parse.number(0),
        "Seconds until a cached prompt is refreshed in the background; 0 asks the server each time.",
    ),
    Setting(
        "prompt_cache_max_items",
        "LANGFUSE_PROMPT_CACHE_MAX_ITEMS",
        1_000,
        parse.number(1, whole=True),
        "Prompts kept in memory.",
    ),
    Setting(
        "prompt_cache_max_bytes",
        "LANGFUSE_PROMPT_CACHE_MAX_BYTES",
        16 * 1024 * 1024,
        parse.number(1024, whole=True),
        "Most memory that they take.",
    ),
    Setting(
        "prompt_cache_directory",
        "LANGFUSE_PROMPT_CACHE_DIRECTORY",
        None,
        parse.text,
        "Directory through which the processes of a host share prompts, made for the user alone; else "
        "`langfuse-otel/prompts` in `$XDG_CACHE_HOME` or `~/.cache`, unless there is a Redis. `none`: no directory.",
    ),
    Setting(
        "prompt_redis_url",
        "LANGFUSE_PROMPT_REDIS_URL",
        None,
        parse.text,
        "Redis or Valkey through which a fleet shares prompts: `redis://`, `rediss://` or `unix://` (extra `redis`).",
        secret=True,
    ),
    Setting(
        "prompt_redis_prefix",
        "LANGFUSE_PROMPT_REDIS_PREFIX",
        "langfuse-otel:prompts:",
        parse.text,
        "What all keys and channels there begin with.",
    ),
    Setting(
        "prompt_deadline_s",
        "LANGFUSE_PROMPT_DEADLINE",
        5.0,
        parse.number(0.001, 3600),
        "Longest that a `get` of a prompt may take in all, seconds.",
    ),
    Setting(
        "prompt_fallback_deadline_s",
        "LANGFUSE_PROMPT_FALLBACK_DEADLINE",
        0.25,
        parse.number(0.001, 3600),
        "The same when the call gave a fallback, seconds.",
    ),
    Setting(
        "prompts_to_warm",
        "LANGFUSE_PROMPTS_TO_WARM",
        (),
        parse.names,
        "Prompts to read before they are asked for, with commas between: at the start of a process, and what "
        "`langfuse-otel prompts warm` does without names.",
    ),
    Setting(
        "prompt_require_fallback",
        "LANGFUSE_PROMPT_REQUIRE_FALLBACK",
        False,
        parse.boolean,
        "A `get` of a prompt without a fallback is an error, so that none is forgotten.",
    ),
    Setting(
        "prompt_snapshot",
        "LANGFUSE_PROMPT_SNAPSHOT",
        None,
        parse.text,
        "File of `langfuse-otel prompts export`, used when neither Langfuse nor any cache has a prompt.",
    ),
    Setting(
        "prompt_spans",
        "LANGFUSE_PROMPT_SPANS",
        False,
        parse.boolean,
        "Make a span of each request to the prompt endpoints, by the conventions for HTTP clients: "
        "docs/operations/metrics.md.",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings in force; made by ``load``. See ``SETTINGS`` for meanings, units and defaults."""

    public_key: str | None
    secret_key: str | None
    base_url: str
    wire: str
    timeout_s: float
    headers: Mapping[str, str]
    certificate: str | None
    compression: str
    environment: str | None
    release: str | None
    tracing_enabled: bool
    sample_rate: float
    spans: str
    left_out_scopes: tuple[str, ...]
    only_own_spans: bool
    debug: bool
    capture: str
    mask: tuple[Any, ...]
    attributes_allow: tuple[str, ...]
    attributes_deny: tuple[str, ...]
    prices: str
    delivery: str
    max_queue_spans: int
    max_queue_bytes: int
    backpressure: str
    pressure_high: float
    pressure_low: float
    block_timeout_s: float
    max_batch_spans: int
    max_batch_bytes: int
    flush_interval_s: float
    shutdown_timeout_s: float
    retry_initial_s: float
    retry_max_s: float
    max_concurrent_requests: int
    breaker_failures: int
    breaker_open_s: float
    breaker_successes: int
    drain_on_sigterm: bool
    unfinished_spans: bool
    spool_directory: str | None
    spool_fsync: str
    max_spool_bytes: int
    max_spool_age_s: float
    spool_when_full: str
    upload_media: bool
    max_medium_bytes: int
    exporter_metrics: bool
    capture_content: ContentCapture
    instrument_over_foreign: bool
    disabled_instrumentations: tuple[str, ...]
    stream_usage: bool
    prompt_cache_ttl_s: float
    prompt_cache_max_items: int
    prompt_cache_max_bytes: int
    prompt_cache_directory: str | None
    prompt_redis_url: str | None
    prompt_redis_prefix: str
    prompt_deadline_s: float
    prompt_fallback_deadline_s: float
    prompts_to_warm: tuple[str, ...]
    prompt_require_fallback: bool
    prompt_snapshot: str | None
    prompt_spans: bool

    def __repr__(self) -> str:
        secret = {setting.name for setting in SETTINGS if setting.secret}
        shown = (
            f"{f.name}={'***' if f.name in secret and getattr(self, f.name) else repr(getattr(self, f.name))}"
            for f in fields(self)
        )
        return f"Settings({', '.join(shown)})"

    @property
    def spool_path(self) -> Path:
        """Where the spool is: the setting, or the user's state directory.

        Raises:
            SettingsError: Neither is known.
        """
        if self.spool_directory:
            return Path(self.spool_directory)
        try:
            state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        except RuntimeError as error:
            problem = f"is not set, and there is no home directory ({error})"
            raise SettingsError("OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY", problem, "Name a directory") from None
        return Path(state) / "langfuse-otel" / "spool"

    @property
    def prompt_cache_path(self) -> Path | None:
        """Where the processes of a host share prompts: the setting, or the user's cache directory.

        None where it was turned off, where nobody named a directory and a Redis does the sharing, or where the system
        knows of no home.
        """
        if self.prompt_cache_directory is not None:
            return None if self.prompt_cache_directory.lower() == "none" else Path(self.prompt_cache_directory)
        if self.prompt_redis_url is not None:
            return None
        try:
            cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        except RuntimeError:
            return None
        return Path(cache) / "langfuse-otel" / "prompts"

    def require_keys(self) -> tuple[str, str]:
        """The key pair.

        Raises:
            SettingsError: One or both are missing, or they were swapped; names the variable.
        """
        public, secret = self.public_key, self.secret_key
        where = "Copy both keys from Langfuse (project settings, API keys), or from the start of `langfuse-otel server`"
        if not public and not secret:
            problem = "is not set, nor is LANGFUSE_SECRET_KEY"
            raise SettingsError("LANGFUSE_PUBLIC_KEY", problem, where)
        if not public:
            raise SettingsError("LANGFUSE_PUBLIC_KEY", "is not set, although LANGFUSE_SECRET_KEY is", where)
        if not secret:
            raise SettingsError("LANGFUSE_SECRET_KEY", "is not set, although LANGFUSE_PUBLIC_KEY is", where)
        if public.startswith("sk-lf-") or secret.startswith("pk-lf-"):
            raise SettingsError("LANGFUSE_PUBLIC_KEY", "holds the secret key", "The keys are swapped: exchange them")
        return public, secret


def load(env: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
    """Read all settings.

    Args:
        env: The environment; ``os.environ`` by default.
        **arguments: Settings by name, which win over the environment; None means: not given.

    Raises:
        SettingsError: A value is malformed, or an argument is unknown; names the variable, the problem and the fix.
    """
    env = os.environ if env is None else env
    unknown = arguments.keys() - {setting.name for setting in SETTINGS}
    if unknown:
        known = ", ".join(setting.name for setting in SETTINGS)
        raise SettingsError(sorted(unknown)[0], "is not a setting", f"Known are: {known}")
    file = _read_env_file(env)
    return Settings(**{setting.name: _value(setting, arguments, env, file) for setting in SETTINGS})


def origin(setting: Setting, env: Mapping[str, str] | None = None) -> str:
    """Where a setting's value comes from: the variable's name, with the file when it stands there, or ``default``."""
    env = os.environ if env is None else env
    for source, suffix in ((env, ""), (_read_env_file(env), f" in {env.get(ENV_FILE_VARIABLE)}")):
        for variable in (setting.env, *setting.also):
            if source.get(variable, "").strip():
                return variable + suffix
    return "default"


def _value(setting: Setting, arguments: Mapping[str, Any], env: Mapping[str, str], file: Mapping[str, str]) -> Any:
    given = arguments.get(setting.name)
    if given is not None:
        return _parsed(setting, f"{setting.name} ({setting.env})", given)
    for source in (env, file):
        for variable in (setting.env, *setting.also):
            text = source.get(variable, "").strip()
            if text:
                return _parsed(setting, variable, text)
    return setting.default


def _parsed(setting: Setting, variable: str, value: Any) -> Any:
    try:
        return setting.parse(value)
    except ValueError as error:
        shown = "its value" if setting.secret else repr(str(value)[:80])
        default = "unset" if setting.default is None else f"its default, {setting.default!r}"
        raise SettingsError(variable, f"{shown} {error}", f"{setting.help} Leave it out for {default}") from None


def _read_env_file(env: Mapping[str, str]) -> Mapping[str, str]:
    """``NAME=value`` lines of the file that LANGFUSE_ENV_FILE names; the current folder is never searched."""
    path = env.get(ENV_FILE_VARIABLE, "").strip()
    if not path:
        return {}
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"names a file that cannot be read ({path}: {type(error).__name__})"
        raise SettingsError(ENV_FILE_VARIABLE, problem, "Give the path of a file of NAME=value lines") from None
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found
