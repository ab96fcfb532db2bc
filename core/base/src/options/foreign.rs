//! Option names of other libraries, and what takes their place here.
//!
//! People and programs bring names along from google-genai, openai, the AI SDK, LiteLLM and others. A name that is far
//! from all of ours gets an answer from this table; one that is ours but belongs elsewhere is found in our own tables.
//! Names are compared without case and separators, so that one row answers every spelling.

/// Where a name is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// An option of a call.
    Call,
    /// An option of a client.
    Client,
    /// Both take what is named instead.
    Both,
    /// An option within `retry`.
    Retry,
    /// An option within `timeout`.
    Timeout,
}

/// The answer to a foreign name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Remedy {
    /// The same thing has this name.
    Called(&'static str),
    /// Advice, as a template for [`crate::message::Message::of_template`].
    Do(&'static str),
}

use Remedy::{Called, Do};
use Scope::{Both, Call, Client};

/// Names, the place of what is named instead, and that. The first row with a name that fits its place counts.
pub(super) const FOREIGN: &[(&[&str], Scope, Remedy)] = &[
    // Within `retry` and `timeout`.
    (&["attempts", "max_tries", "tries", "stop_after_attempt"], Scope::Retry, Called("max_attempts")),
    (
        &["max_retries", "num_retries", "retries", "total", "retry"],
        Scope::Retry,
        Do("{max_attempts} counts calls, the first included: it is one more than the retries"),
    ),
    (
        &["initial_delay", "min_delay", "backoff", "backoff_factor", "min_timeout"],
        Scope::Retry,
        Called("initial"),
    ),
    (&["max_delay", "max_backoff", "max_timeout", "maximum"], Scope::Retry, Called("max_wait")),
    (
        &["exp_base", "jitter", "http_status_codes", "status_forcelist", "factor", "multiplier", "randomize"],
        Scope::Retry,
        Do("leave it out: which failures are tried again, and the growth of the waits, cannot be set"),
    ),
    (&["read", "read_timeout", "sock_read"], Scope::Timeout, Called("idle")),
    (&["connect_timeout", "sock_connect"], Scope::Timeout, Called("connect")),
    (&["timeout", "seconds", "deadline", "request"], Scope::Timeout, Called("total")),
    (&["write", "pool"], Scope::Timeout, Do("leave it out: {total} limits the whole call")),
    // google-genai.
    (
        &["config", "generation_config", "generate_content_config", "generate_images_config"],
        Call,
        Do("its fields are options of the call, such as {aspect_ratio}, {image_size} and {seed}"),
    ),
    (
        &["image_config", "image_generation_config"],
        Call,
        Do("give {aspect_ratio} and {image_size} as options of the call"),
    ),
    (&["response_modalities", "output_modalities", "modality"], Call, Called("modalities")),
    (
        &["system_instruction", "system_instructions", "system_prompt", "system_message", "instructions"],
        Call,
        Called("system"),
    ),
    (&["safety_settings", "safety_filter_level", "moderation", "content_filter"], Call, Called("safety")),
    (
        &["thinking_config"],
        Call,
        Do("give {thinking} for how hard the model thinks, and {thoughts} to get its thoughts"),
    ),
    (
        &["thinking_level", "thinking_budget", "reasoning", "reasoning_effort", "budget_tokens", "effort"],
        Call,
        Called("thinking"),
    ),
    (&["include_thoughts", "return_thoughts", "include_reasoning"], Call, Called("thoughts")),
    (
        &[
            "candidate_count",
            "number_of_images",
            "num_images",
            "num_images_per_prompt",
            "num_outputs",
            "sample_count",
            "batch_size",
            "count",
        ],
        Call,
        Called("n"),
    ),
    (
        &["contents", "messages", "input", "content", "prompt", "text", "query"],
        Call,
        Do("the prompt is the first argument: a text, or a list of texts and pictures"),
    ),
    (
        &["http_options"],
        Both,
        Do(
            "its fields are options: {timeout}, {retry} and {headers}; {base_url} and {api_version} are the client's",
        ),
    ),
    (&["retry_options", "retry_config", "retry_policy", "retry_strategy"], Both, Called("retry")),
    (
        &["max_retries", "num_retries", "retries", "attempts", "max_attempts", "max_tries"],
        Both,
        Do("give {retry.max_attempts=3}, which counts calls and not retries: the first call is one of the 3"),
    ),
    (
        &[
            "vertexai",
            "vertex",
            "enterprise",
            "project",
            "project_id",
            "location",
            "region",
            "credentials",
            "google_auth_options",
            "vertex_project",
            "vertex_location",
            "vertex_credentials",
            "quota_project",
        ],
        Both,
        Do("leave it out: Vertex AI is not supported, and the Gemini API takes a key, {api_key}"),
    ),
    (
        &["debug_config", "debug", "verbose", "logger", "logger_fn", "log_level", "set_verbose", "callbacks"],
        Both,
        Do("leave it out: the log of the library, and its events, have each step of a call"),
    ),
    (&["output_mime_type", "mime_type", "image_format", "file_format"], Call, Called("output_format")),
    (
        &["output_compression_quality", "output_compression", "compression", "jpeg_quality"],
        Call,
        Called("output_quality"),
    ),
    (&["image_output_options"], Call, Do("give {output_format} and {output_quality} as options of the call")),
    (
        &["person_generation", "prominent_people"],
        Call,
        Do(
            "it has no option here; give it in {extra}, as `generationConfig.imageConfig` of the request has it",
        ),
    ),
    (&["negative_prompt"], Call, Do("say in the prompt what the picture must not have")),
    (
        &[
            "top_k",
            "stop_sequences",
            "stop",
            "response_logprobs",
            "logprobs",
            "top_logprobs",
            "presence_penalty",
            "frequency_penalty",
            "media_resolution",
            "routing_config",
            "model_selection_config",
            "cached_content",
            "model_armor_config",
            "enable_enhanced_civic_answers",
            "logit_bias",
            "continuation_token",
            "automatic_continuation",
            "generation_output_config",
        ],
        Call,
        Do("it has no option here; {extra} is merged into the request's JSON"),
    ),
    (
        &[
            "tools",
            "tool_config",
            "tool_choice",
            "google_search",
            "web_search",
            "web_search_options",
            "functions",
        ],
        Call,
        Do("{search} and {image_search} let the model search; other tools of the service go into {extra}"),
    ),
    (
        &[
            "automatic_function_calling",
            "function_call",
            "parallel_tool_calls",
            "max_tool_calls",
            "response_schema",
            "response_json_schema",
            "response_mime_type",
            "speech_config",
            "audio_timestamp",
            "audio_transcription_config",
            "audio",
            "prediction",
            "verbosity",
            "truncation",
        ],
        Call,
        Do("leave it out: these models draw pictures, and have no use for it"),
    ),
    (
        &[
            "reference_images",
            "image",
            "images",
            "input_image",
            "input_images",
            "image_url",
            "image_urls",
            "init_image",
        ],
        Call,
        Do("pictures stand in the prompt's list, or are the second argument of {edit()}"),
    ),
    (
        &["should_return_http_response", "return_raw_response", "raw_response"],
        Call,
        Do("leave it out: the reply is {.raw} of the result"),
    ),
    (
        &[
            "client_args",
            "async_client_args",
            "httpx_client",
            "httpx_async_client",
            "aiohttp_client",
            "http_client",
            "http_agent",
            "https_agent",
            "session",
            "shared_session",
            "transport",
            "fetch",
            "fetch_options",
            "dispatcher",
            "agent",
            "limits",
        ],
        Both,
        Do(
            "the HTTP client is built in; set {proxy}, {ca_bundle}, {headers}, {timeout} and {max_concurrency}",
        ),
    ),
    (
        &[
            "base_url_resource_scope",
            "api_base",
            "api_endpoint",
            "endpoint",
            "host",
            "api_url",
            "client_options",
        ],
        Client,
        Called("base_url"),
    ),
    (
        &["extra_body", "extra_params", "provider_options", "model_kwargs", "additional_properties"],
        Call,
        Called("extra"),
    ),
    (&["extra_headers", "default_headers", "custom_headers", "http_headers"], Both, Called("headers")),
    (
        &["extra_query", "default_query", "query_params"],
        Both,
        Do("leave it out: the query of a request cannot be set; {headers} and {extra} can"),
    ),
    (
        &[
            "guidance_scale",
            "guidance",
            "cfg_scale",
            "steps",
            "num_inference_steps",
            "strength",
            "scheduler",
            "language",
            "enhance_prompt",
            "prompt_upsampling",
            "include_rai_reason",
            "include_safety_attributes",
            "output_gcs_uri",
            "edit_mode",
            "base_steps",
            "enhance_input_image",
            "image_preservation_factor",
            "upscale_factor",
            "complexity",
            "frame_count",
            "frame_duration_ms",
            "svg",
            "markup",
            "input_fidelity",
        ],
        Call,
        Do("leave it out: the Gemini image models have nothing like it; say in the prompt what you want"),
    ),
    (
        &["add_watermark", "watermark"],
        Call,
        Do("leave it out: the service marks every picture; {mark_ai} is for the mark of a converted one"),
    ),
    // openai.
    (
        &["size", "dimensions", "width", "height", "resolution"],
        Call,
        Do(
            "give {image_size}, such as 2K, for how large the picture is, and {aspect_ratio}, such as 3:2, for its shape",
        ),
    ),
    (
        &["quality"],
        Call,
        Do(
            "{image_size} is how many pixels the picture has, and {output_quality} how well a JPEG or WebP is written",
        ),
    ),
    (
        &["background", "transparent"],
        Call,
        Do("say in the prompt what is behind the subject; these models draw no transparency"),
    ),
    (
        &["response_format", "return_type"],
        Call,
        Do("a picture comes as bytes, {.bytes}; {output_format} says of which type"),
    ),
    (&["stream", "streaming", "stream_options", "include_partial"], Call, Do("call {generate_stream()}")),
    (
        &["partial_images"],
        Call,
        Do("call {generate_stream()} with {thoughts}: drafts come as they are drawn"),
    ),
    (
        &["user", "safety_identifier", "metadata", "tags", "user_id"],
        Call,
        Do("{labels} go with a call to the service's bill; nothing else names a user"),
    ),
    (
        &["style", "style_preset", "style_type"],
        Call,
        Do("say the style in the prompt, or give a picture as a `Reference` of the role \"style\""),
    ),
    (
        &[
            "organization",
            "admin_api_key",
            "workload_identity",
            "webhook_secret",
            "provider",
            "data_residency",
            "websocket_base_url",
            "custom_llm_provider",
            "deployment_id",
            "azure_endpoint",
            "model_list",
            "fallbacks",
        ],
        Both,
        Do("leave it out: the Gemini API is the only service, and {api_key} says who asks"),
    ),
    (
        &["dangerously_allow_browser"],
        Client,
        Do("leave it out: a key in a browser is everybody's, so this runs on a server"),
    ),
    (&["max_tokens", "max_completion_tokens", "max_new_tokens"], Call, Called("max_output_tokens")),
    (
        &["previous_response_id", "conversation", "history", "context_management", "session_id"],
        Call,
        Do("{chat()} keeps a conversation"),
    ),
    (
        &[
            "store",
            "include",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "background_options",
            "access_programs",
            "enable_json_schema_validation",
            "include_server_side_tool_invocations",
            "allowed_openai_params",
            "safety_checker",
        ],
        Call,
        Do("leave it out: there is nothing like it here"),
    ),
    // The AI SDK, Node and others.
    (&["abort_signal", "signal", "cancel_token", "cancellation_token"], Both, Do("{@cancel}")),
    (
        &["max_images_per_call"],
        Call,
        Do("leave it out: a request draws one picture, and {n} makes as many requests as you want pictures"),
    ),
    (
        &["allow_system_in_messages", "telemetry", "experimental_telemetry", "headers_timeout"],
        Both,
        Do("leave it out: there is nothing like it here"),
    ),
    // LiteLLM.
    (
        &["drop_params", "additional_drop_params"],
        Call,
        Do("give {on_unsupported} \"warn\": what the model does not have is left out, and a warning says so"),
    ),
    (&["mock_response"], Both, Do("{@offline}")),
    (&["caching", "cache_dir", "cache_path", "cached"], Client, Called("cache")),
    (&["max_budget", "budget_usd", "max_cost", "cost_limit"], Client, Called("budget")),
    (&["rpm", "rate_limit", "requests_per_minute", "max_rpm"], Client, Called("rate")),
    (
        &["max_connections", "max_workers", "max_parallel_requests", "parallelism", "pool_size"],
        Client,
        Called("max_concurrency"),
    ),
    (&["verify", "ssl_verify", "ca_certs", "ssl_cert_file", "cafile"], Client, Called("ca_bundle")),
    (&["proxies", "http_proxy", "https_proxy", "proxy_url"], Client, Called("proxy")),
    (
        &[
            "key",
            "token",
            "auth",
            "auth_token",
            "access_token",
            "bearer_token",
            "gemini_api_key",
            "google_api_key",
        ],
        Client,
        Called("api_key"),
    ),
    (&["model_name", "model_id", "engine", "default_model"], Both, Called("model")),
    (
        &["request_timeout", "timeout_ms", "timeout_seconds", "deadline", "max_duration"],
        Both,
        Called("timeout"),
    ),
    (&["ratio", "aspect", "image_aspect_ratio", "shape"], Call, Called("aspect_ratio")),
    (&["format", "image_type", "output_type", "extension"], Call, Called("output_format")),
    (&["grounding", "search_grounding", "use_search"], Call, Called("search")),
    (&["random_seed", "manual_seed", "generator"], Call, Called("seed")),
    (
        &["concurrent", "workers", "batch"],
        Call,
        Do("{generate_many()} makes many calls, {concurrency} of them at once"),
    ),
];
