-- Large columns come last: SQLite reads a row from its front.
CREATE TABLE project (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE observations (
  trace_id TEXT NOT NULL, id TEXT NOT NULL, start_ms INTEGER NOT NULL, parent_id TEXT, type TEXT NOT NULL DEFAULT 'SPAN',
  name TEXT, end_ms INTEGER, completion_start_ms INTEGER, level TEXT NOT NULL DEFAULT 'DEFAULT', status_message TEXT,
  version TEXT, release TEXT, environment TEXT NOT NULL DEFAULT 'default', user_id TEXT, session_id TEXT,
  trace_name TEXT, tags TEXT NOT NULL DEFAULT '[]', public INTEGER NOT NULL DEFAULT 0,
  is_app_root INTEGER NOT NULL DEFAULT 0, model TEXT, model_parameters TEXT NOT NULL DEFAULT '{}',
  usage TEXT NOT NULL DEFAULT '{}', cost TEXT NOT NULL DEFAULT '{}', priced_as TEXT,
  prompt_name TEXT, prompt_version INTEGER, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}', input TEXT, output TEXT,
  PRIMARY KEY (trace_id, id)
);
CREATE INDEX observations_by_start ON observations (start_ms DESC, trace_id, id);

-- What trace-create events said; observations sent over OTLP carry their trace's fields themselves.
CREATE TABLE traces (
  id TEXT PRIMARY KEY, timestamp_ms INTEGER NOT NULL, name TEXT, user_id TEXT, session_id TEXT, version TEXT,
  release TEXT, environment TEXT NOT NULL DEFAULT 'default', public INTEGER NOT NULL DEFAULT 0,
  tags TEXT NOT NULL DEFAULT '[]', created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}', input TEXT, output TEXT
);

CREATE TABLE prompts (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
  labels TEXT NOT NULL, tags TEXT NOT NULL, commit_message TEXT, created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL, config TEXT NOT NULL, prompt TEXT NOT NULL, UNIQUE (name, version)
);

CREATE TABLE scores (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, value REAL, string_value TEXT, data_type TEXT NOT NULL, source TEXT NOT NULL,
  timestamp_ms INTEGER NOT NULL, environment TEXT NOT NULL, trace_id TEXT, observation_id TEXT, session_id TEXT,
  comment TEXT, config_id TEXT, metadata TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
);
CREATE INDEX scores_by_trace ON scores (trace_id);

-- Media by the content's hash, and where they belong; the content is there as soon as it was uploaded.
CREATE TABLE media (
  id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, content_type TEXT NOT NULL, content_length INTEGER NOT NULL,
  uploaded_ms INTEGER, upload_status INTEGER, upload_error TEXT, created_ms INTEGER NOT NULL, content BLOB
);
CREATE TABLE media_places (
  media_id TEXT NOT NULL, trace_id TEXT NOT NULL, observation_id TEXT NOT NULL, field TEXT NOT NULL,
  PRIMARY KEY (media_id, trace_id, observation_id, field)
);
CREATE INDEX media_places_by_trace ON media_places (trace_id);

-- An observation with what its trace-create event knows and it does not.
CREATE VIEW full_observations AS
SELECT o.trace_id, o.id, o.start_ms, o.parent_id, o.type, o.name, o.end_ms, o.completion_start_ms, o.level,
  o.status_message, o.version, coalesce(o.release, t.release) AS release,
  o.environment, coalesce(o.user_id, t.user_id) AS user_id, coalesce(o.session_id, t.session_id) AS session_id,
  coalesce(o.trace_name, t.name) AS trace_name, CASE o.tags WHEN '[]' THEN coalesce(t.tags, '[]') ELSE o.tags END AS tags,
  max(o.public, coalesce(t.public, 0)) AS public, o.is_app_root, o.model, o.model_parameters, o.usage, o.cost,
  o.priced_as, o.prompt_name, o.prompt_version, o.created_ms, o.updated_ms, o.metadata, o.input, o.output,
  o.parent_id IS NULL OR o.is_app_root AS is_root
FROM observations o LEFT JOIN traces t ON t.id = o.trace_id;

-- A trace is the set of its observations, root first, under its trace-create event.
CREATE VIEW full_traces AS
WITH sums AS (
  SELECT trace_id, min(start_ms) AS start_ms, max(coalesce(end_ms, start_ms)) AS end_ms, count(*) AS observations,
    sum(level = 'ERROR') AS errors, sum(coalesce(json_extract(usage, '$.total'), 0)) AS total_tokens,
    sum(coalesce(json_extract(cost, '$.total'), 0)) AS total_cost, max(user_id) AS user_id,
    max(session_id) AS session_id, max(trace_name) AS trace_name, max(version) AS version, max(release) AS release,
    max(public) AS public, min(created_ms) AS created_ms, max(updated_ms) AS updated_ms,
    min(CASE WHEN parent_id IS NULL OR is_app_root THEN printf('%015d', start_ms) || id END) AS root
  FROM observations GROUP BY trace_id
), ids AS (SELECT id FROM traces UNION SELECT trace_id FROM sums)
SELECT i.id, coalesce(t.timestamp_ms, s.start_ms) AS timestamp_ms, coalesce(s.end_ms, t.timestamp_ms) AS end_ms,
  coalesce(t.name, s.trace_name, r.name) AS name, coalesce(t.user_id, s.user_id) AS user_id,
  coalesce(t.session_id, s.session_id) AS session_id, coalesce(t.version, r.version, s.version) AS version,
  coalesce(t.release, r.release, s.release) AS release,
  coalesce(t.environment, r.environment, 'default') AS environment, max(coalesce(t.public, 0), coalesce(s.public, 0)) AS public,
  (SELECT json_group_array(DISTINCT tag.value) FROM (
     SELECT t.tags AS tags UNION ALL SELECT o.tags FROM observations o WHERE o.trace_id = i.id
   ) AS tagged, json_each(coalesce(tagged.tags, '[]')) AS tag) AS tags,
  coalesce(s.observations, 0) AS observations, coalesce(s.errors, 0) AS errors,
  coalesce(s.total_tokens, 0) AS total_tokens, coalesce(s.total_cost, 0.0) AS total_cost,
  coalesce(t.created_ms, s.created_ms) AS created_ms, max(coalesce(t.updated_ms, 0), coalesce(s.updated_ms, 0)) AS updated_ms,
  coalesce(t.metadata, r.metadata, '{}') AS metadata, coalesce(t.input, r.input) AS input,
  coalesce(t.output, r.output) AS output
FROM ids i LEFT JOIN traces t ON t.id = i.id LEFT JOIN sums s ON s.trace_id = i.id
LEFT JOIN observations r ON r.trace_id = i.id AND r.id = substr(s.root, 16);
