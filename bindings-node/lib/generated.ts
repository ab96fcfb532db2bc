// Written by core/cli/tests/generated.rs from the tables in core.
// Change those; the test rewrites this file.

import { NanoBananaError, held, kind } from './error'
import { brand } from './identity'
import type { Image } from './image'
import type { Result } from './record'
import { Wrapper } from './wrapper'

export { NanoBananaError }

/** A model, by id or alias; any other id is sent as it is. */
export type Model =
  | 'nano-banana-2.1'
  | 'gemini-nano-banana-2.1'
  | 'nano-banana-pro'
  | 'gemini-3-pro-image'
  | 'nano-banana-2'
  | 'gemini-3.1-flash-image'
  | 'nano-banana-2-lite'
  | 'gemini-3.1-flash-lite-image'
  | 'nano-banana'
  | 'gemini-2.5-flash-image'
  | (string & {})

/** Width to height. */
export type AspectRatio =
  | '1:1'
  | '1:4'
  | '1:8'
  | '2:3'
  | '3:2'
  | '3:4'
  | '4:1'
  | '4:3'
  | '4:5'
  | '5:4'
  | '8:1'
  | '9:16'
  | '16:9'
  | '21:9'
  | (string & {})

/** How large a picture is, in any case of letters. */
export type ImageSize =
  | '512'
  | '1K'
  | '2K'
  | '4K'
  | (string & {})

/** Another reading of what the service does, where sources conflict. */
export type Reading =
  | 'v1-without-response-modalities'
  | 'v1-without-image-config'
  | 'sampling-refused'
  | 'nano-banana-2.1-takes-512'
  | 'nano-banana-2.1-takes-9-by-21'
  | 'nano-banana-2.1-takes-auto'
  | 'lite-takes-sizes'
  | 'pro-takes-thinking-level'
  | 'thinking-level-in-capitals'
  | 'response-format-in-plain-texts'
  | '2.5-without-response-format'
  | 'signatures-on-vertex'
  | 'missing-file-404'
  | 'png-answers'
  | '4k-of-3780-tokens'
  | '21-by-9-at-512-is-168-high'
  | 'interim-pictures-count'
  | 'nano-banana-2-gone'
  | '2.5-closed'
  | 'pro-preview-alias'
  | 'previews-answer'
  | 'tiers-of-the-own-page'
  | 'picture-sources-as-in-the-guide'
  | 'interactions-take-png'
  | 'interactions-want-512'
  | 'interactions-want-512px'
  | 'interactions-without-safety-settings'
  | 'interactions-errors-in-a-list'
  | 'interactions-leave-picture-search'
  | 'batches-of-100-mb'

/**
 * Pixels in rows from the top, `channels` samples each (1, 3 or 4; by default what `data` has): also an `ImageData`.
 * Samples of a float array go from 0 to 1, those of the others over the whole range of their type.
 */
export interface RawPixels {
  data: Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array | Float64Array
  width: number
  height: number
  channels?: number
}

/** What `sharp` gives with `toBuffer({ resolveWithObject: true })`, raw or encoded. */
export interface SharpOutput {
  data: Uint8Array
  info: { width: number; height: number; channels: number; format?: string; depth?: string }
}

/** A picture that `sharp` works on; what its `toBuffer()` gives is sent, turned as Exif says (from sharp 0.34 on). */
export interface SharpPicture {
  toBuffer(): Promise<Uint8Array>
  metadata(): Promise<unknown>
}

/** A part of the Gemini API's JSON that holds a picture, in base64. */
export type InlineData =
  | { inlineData: { data: string; mimeType?: string } }
  | { inline_data: { data: string; mime_type?: string } }

/** A picture in memory, or where to find it. */
export type PictureObject =
  | Image
  | ArrayBufferView
  | ArrayBuffer
  | URL
  | File
  | Blob
  | Response
  | AsyncIterable<Uint8Array>
  | ReadableStream<Uint8Array>
  | InlineData
  | RawPixels
  | SharpOutput
  | SharpPicture
  | Reference

/** One call of `generateMany`: its options go before those of all calls, its id is what a journal knows it by. */
export interface Item {
  prompt: Prompt
  images?: Pictures | null | undefined
  options?: Omit<EditOptions, 'signal'> | null | undefined
  id?: string | number | null | undefined
}

/** A picture: as an object, or the path or URL (`http:`, `data:`, `gs:`, Files API) of one. */
export type ImageInput = string | PictureObject

/** A document or a video in whatever form it is at hand; a string is its path or URL. */
export type AttachmentInput =
  | ArrayBufferView
  | ArrayBuffer
  | string
  | URL
  | File
  | Blob
  | Response
  | AsyncIterable<Uint8Array>
  | ReadableStream<Uint8Array>
  | InlineData
  | Attachment

/** What of a picture may change: a picture that marks it, or a box. */
export type MaskInput = ImageInput | Box

/** A prompt: words, or words and pictures in turn. A string in it is always words. */
export type Prompt = string | ReadonlyArray<string | PictureObject | Attachment>

/** One picture, or a list of them. */
export type Pictures = ImageInput | ReadonlyArray<ImageInput>

/** What one call can be told. */
export interface GenerateOptions {
  /** The model, by id or alias. Default: the client's, else `nano-banana-2.1`. */
  model?: Model | null | undefined
  /** Width to height. Default: the shape of the first picture sent, else 1:1. */
  aspectRatio?: AspectRatio | null | undefined
  /** How large the picture will be. Default: 1K. */
  imageSize?: ImageSize | null | undefined
  /** How many pictures: that many calls side by side. Default: 1. */
  n?: number | null | undefined
  /** How hard the model thinks before it draws. Default: the model's own. */
  thinking?: 'minimal' | 'low' | 'medium' | 'high' | null | undefined
  /**
   * Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
   * Default: false.
   */
  thoughts?: boolean | null | undefined
  /** Whether the model may search the web first. Default: false. */
  search?: boolean | null | undefined
  /** Whether the model may look at pictures of the web first. Default: false. */
  imageSearch?: boolean | null | undefined
  /** What the model is told before the prompt, for the whole call. */
  system?: string | null | undefined
  /** What the answer may hold. Default: the service's, text and pictures. */
  modalities?: 'image' | 'text+image' | null | undefined
  /**
   * A seed, sent as it is; the service does not promise the same picture for the same seed.
   * With `n`, call i sends `seed + i`.
   */
  seed?: number | null | undefined
  /** How freely the model chooses, 0 to 2. Default: the service's, 1. */
  temperature?: number | null | undefined
  /** The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95. */
  topP?: number | null | undefined
  /** The most tokens that the answer may take. Default: the model's limit. */
  maxOutputTokens?: number | null | undefined
  /**
   * The adjustable filters: a threshold by category, short or full names, or "off".
   * Default: the service's.
   */
  safety?: Record<string, string> | 'off' | null | undefined
  /**
   * The type that pictures are to have. What came is converted here if it is of another one, and
   * kept as the picture's `original`; what a conversion loses is a warning. Default: as it comes.
   */
  outputFormat?: 'png' | 'jpeg' | 'webp' | null | undefined
  /**
   * How good a converted picture is to be, 1 to 100, with the `outputFormat` "jpeg" or "webp".
   * Default: 92 for JPEG; WebP without it loses nothing.
   */
  outputQuality?: number | null | undefined
  /**
   * Whether pictures that are encoded anew here, for a mask or an `outputFormat`, say in XMP that AI made them, by
   * IPTC's DigitalSourceType. Default: true.
   */
  markAi?: boolean | null | undefined
  /** How urgently the service works, and at what price. Default: standard. */
  serviceTier?: 'standard' | 'flex' | 'priority' | null | undefined
  /** How pictures are encoded before they are sent. Default: they go as they are wherever they can. */
  encode?: Encode | null | undefined
  /**
   * Documents (PDF, plain text) and videos that go with the prompt, behind its pictures: paths, bytes,
   * URLs (YouTube's too), files of the API. An `Attachment` says more of one. Default: none.
   */
  attachments?: AttachmentInput | ReadonlyArray<AttachmentInput> | null | undefined
  /**
   * Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones of a request
   * that would be too large (100 MB), with "always" all above 16 kB, with "never" none. Each is
   * uploaded once while it lives there, which is 48 hours. Default: auto.
   */
  upload?: 'auto' | 'never' | 'always' | null | undefined
  /** What happens to an option that the model does not have. Default: error. */
  onUnsupported?: 'error' | 'warn' | null | undefined
  /**
   * How long the call may take. Default: the client's.
   * A number is in milliseconds.
   */
  timeout?: Timeout | number | null | undefined
  /** When and how a failed attempt is made again. Default: the client's. */
  retry?: Retry | boolean | null | undefined
  /**
   * HTTP headers to send beside our own. Those that belong to the connection or the body, such as Host and
   * Content-Length, are refused.
   */
  headers?: Record<string, string> | null | undefined
  /** Labels for the bill: keys and values of at most 63 lower case characters. */
  labels?: Record<string, string> | null | undefined
  /** Merged deeply into the request's JSON, last; for what the service has and we have not. */
  extra?: Record<string, unknown> | null | undefined
  /** Ends the call: its request is dropped, and the promise rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined
}

/** What a client can be told. */
export interface ClientOptions {
  /** The API key. Default: the variable GOOGLE_API_KEY, else GEMINI_API_KEY. */
  apiKey?: string | (() => string | Promise<string>) | null | undefined
  /** The model of calls that name none. Default: `nano-banana-2.1`. */
  model?: Model | null | undefined
  /**
   * Where the API is. A version at its end counts as `apiVersion` if that is not set, and an `/openai` behind it
   * is left out. Default: the variable GOOGLE_GEMINI_BASE_URL, else Google's.
   */
  baseUrl?: string | null | undefined
  /** The version of the API. Default: the variable GOOGLE_GENAI_API_VERSION, else v1beta. */
  apiVersion?: string | null | undefined
  /**
   * How long a call may take.
   * A number is in milliseconds.
   */
  timeout?: Timeout | number | null | undefined
  /** When and how a failed attempt is made again. */
  retry?: Retry | boolean | null | undefined
  /**
   * The most requests under way at once, for each model; more wait for their turn. A stream that is
   * not read for a second does not count until it is read on. Default: no limit, unless the service
   * asks to go slower.
   */
  maxConcurrency?: number | null | undefined
  /**
   * The most requests in a minute, for each model, sent evenly: at most a second's worth, or
   * one, at once. Default: no limit, unless the service asks to go slower.
   */
  rate?: number | null | undefined
  /** How much may be spent, in USD. Default: no limit. */
  budget?: Budget | number | null | undefined
  /** Where answers are kept, so that the same request is not paid for twice. Default: nowhere. */
  cache?: Cache | string | null | undefined
  /**
   * A catalogue to use instead of the built-in one: the path of its file, or an http(s): URL, which is fetched when a
   * call first needs it.
   */
  catalogue?: string | null | undefined
  /**
   * HTTP headers to send with every request. Those that belong to the connection or the body, such as Host
   * and Content-Length, are refused.
   */
  headers?: Record<string, string> | null | undefined
  /** The proxy's URL. Default: the system's; never for a loopback address. */
  proxy?: string | null | undefined
  /** A PEM file of certificates to trust beside the system's and the built-in ones. */
  caBundle?: string | null | undefined
  /** Whether a picture's URL may lead to a private or local address. Default: false. */
  allowPrivateUrls?: boolean | null | undefined
  /**
   * Whether paths and file: URLs among the inputs are opened. A server whose users name pictures sets it to
   * false: then bytes, other URLs and uploaded files are taken alone. Default: true.
   */
  localFiles?: boolean | null | undefined
  /** Is called with each step of each call, in order: a request that is sent, its answer, a wait, another try. No event holds a key, a prompt or a picture. */
  onEvent?: ((event: ClientEvent) => void) | null | undefined
}

/**
 * How long things may take.
 * Durations are numbers of milliseconds.
 */
export interface Timeout {
  /**
   * The whole call, waits and retries included. Default: 10 minutes.
   * In milliseconds.
   */
  total?: number | null | undefined
  /**
   * Making one connection. Default: 10 seconds.
   * In milliseconds.
   */
  connect?: number | null | undefined
  /**
   * The longest silence between two pieces of an answer that has begun. Default: no limit.
   * In milliseconds.
   */
  idle?: number | null | undefined
}

/**
 * When and how a failed attempt is made again.
 * Durations are numbers of milliseconds.
 */
export interface Retry {
  /**
   * How many requests a call may make in all, the first included. One that follows a wait
   * which the service named does not count, unless this is 1: then nothing is sent again.
   * Default: 4.
   */
  maxAttempts?: number | null | undefined
  /**
   * The longest wait after the first failure, when the service names none; it doubles each
   * time. How much of it is waited is left to chance. Default: 1 second.
   * In milliseconds.
   */
  initial?: number | null | undefined
  /**
   * The longest single wait. If the service asks for a longer one, the call fails at once.
   * Default: 60 seconds.
   * In milliseconds.
   */
  maxWait?: number | null | undefined
  /**
   * How many more times a call may be paid for when the model draws nothing (NO_IMAGE,
   * IMAGE_OTHER). Default: 0.
   */
  noImage?: number | null | undefined
  /**
   * Whether a request is sent again when its answer was lost, so that it may have been billed
   * already. If it is, a warning says so. Default: true.
   */
  resendUnknown?: boolean | null | undefined
}

/**
 * How much may be spent, in USD. What a request costs is known only once it is answered: before
 * it is sent its typical price is set aside, and one for which there is no room is not sent. So
 * what is spent can pass the limit by no more than what the requests under way cost beyond that.
 */
export interface Budget {
  /**
   * The most that the client and its copies may spend in all, in USD; each process counts for itself.
   * Default: no limit.
   */
  usd?: number | null | undefined
  /**
   * The most that one request may be expected to cost, in USD; also what is set aside for a request to
   * a model whose price is not known. Default: no limit, and such a model is refused.
   */
  perCall?: number | null | undefined
}

/**
 * Where answers are kept, so that a request that was answered before is answered from there: at
 * once, and at no cost. Several clients and processes may use one folder. Requests are the same if
 * the service's address, the model and all that the caller gave are: headers and the key do not count.
 * Durations are numbers of milliseconds.
 */
export interface Cache {
  /** The folder. It is made if it is not there, for its owner alone: prompts and pictures stand in it. */
  path?: string | null | undefined
  /**
   * The most bytes that its answers may take; those that were not used for the longest time go
   * first. Default: 5,000,000,000 (5 GB).
   */
  maxBytes?: number | null | undefined
  /**
   * How old an answer may be. Default: no limit.
   * In milliseconds.
   */
  maxAge?: number | null | undefined
}

/**
 * How pictures are encoded before they are sent. Without it a picture goes as it is wherever it can. With
 * it, one that has a longer side, more bytes or another type than this says is encoded anew; all others
 * still go as they are. Every loss is a warning.
 */
export interface Encode {
  /** The longest side in pixels; larger pictures are scaled down. Default: no limit. */
  maxSide?: number | null | undefined
  /**
   * The most bytes of one picture. Quality goes down first, and then the size in pixels, until it
   * fits. Default: no limit.
   */
  maxBytes?: number | null | undefined
  /**
   * What is written: "png", "jpeg", "webp", or "auto": the smallest that is faithful, so PNG or
   * lossless WebP for drawings, text and what is transparent, else JPEG. Default: auto.
   */
  format?: 'auto' | 'png' | 'jpeg' | 'webp' | null | undefined
  /**
   * How good what is lossy is made, 1 (smallest) to 100. With "webp" it asks for a lossy one.
   * Default: 92; a WebP is lossless.
   */
  quality?: number | null | undefined
}

/** What the upload of a file can be told. */
export interface UploadOptions {
  /** What the file is, for example "application/pdf". Default: as its first bytes or its name say. */
  mimeType?: string | null | undefined
  /** What it is called for people, at most 512 characters. */
  displayName?: string | null | undefined
  /**
   * What the service calls it: "files/" and up to 40 lower case letters, digits and dashes; a name is
   * given once. Default: one that is drawn by lot.
   */
  name?: string | null | undefined
  /**
   * How long all of it may take, until the file can be used. Default: the client's.
   * A number is in milliseconds.
   */
  timeout?: Timeout | number | null | undefined
  /** Ends the call: its request is dropped, and the promise rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined
}

/** What a question about uploaded files can be told. */
export interface FileOptions {
  /**
   * How long it may take. Default: the client's.
   * A number is in milliseconds.
   */
  timeout?: Timeout | number | null | undefined
  /** Ends the call: its request is dropped, and the promise rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined
}

/**
 * What an emulator can be told.
 * Durations are numbers of milliseconds.
 */
export interface EmulatorOptions {
  /** Where it listens; 0 takes any free one. Default: 0. */
  port?: number | null | undefined
  /** The address it listens at. Any but that of this machine alone lets others in, under any name. Default: 127.0.0.1. */
  host?: string | null | undefined
  /** Whether it speaks TLS, with HTTP/2 for those who can, by a throw-away authority. Default: false. */
  tls?: boolean | null | undefined
  /** How many requests it remembers. Default: 1000. */
  keep?: number | null | undefined
  /**
   * How long an uploaded file lives. Default: 48 hours.
   * In milliseconds.
   */
  fileLife?: number | null | undefined
  /**
   * How long a video or a sound is PROCESSING before it is ACTIVE. Default: 0.2 seconds.
   * In milliseconds.
   */
  fileProcessing?: number | null | undefined
  /**
   * How long a batch, or an interaction in the background, takes at least. Default: 0.2 seconds.
   * In milliseconds.
   */
  batchProcessing?: number | null | undefined
  /**
   * How long a batch may be pending or running before it is EXPIRED. Default: 48 hours.
   * In milliseconds.
   */
  batchLife?: number | null | undefined
  /** How many requests a minute each model takes before it answers 429. Default: no limit. */
  rpm?: number | null | undefined
  /** How many pictures a minute each model draws before it answers 429. Default: no limit. */
  ipm?: number | null | undefined
  /** How many requests a day each model takes before it answers 429. Default: no limit. */
  rpd?: number | null | undefined
  /**
   * How long a minute of these limits is: tests need not wait for a real one. Default: 60 seconds.
   * In milliseconds.
   */
  minute?: number | null | undefined
  /** The folder of recorded calls that it answers with, instead of drawing. Default: none. */
  cassette?: string | null | undefined
  /** The base URL of the real service, to which calls go that are to be recorded, with the key that they came with. Default: none. */
  upstream?: string | null | undefined
  /** Which calls go there: "missing" ones, "always" all, or "never" any. Default: missing, if there is an `upstream`. */
  record?: 'missing' | 'always' | 'never' | null | undefined
  /** Where sources conflict, the readings to follow in place of the usual ones; `docs/facts.md` lists them. Default: none. */
  readings?: ReadonlyArray<Reading> | null | undefined
}

/**
 * What a running emulator can be told of recorded calls. What is not set stays as it is; if nothing is set, it
 * draws again.
 */
export interface RecordOptions {
  /** The folder of recorded calls that it answers with, instead of drawing. */
  cassette?: string | null | undefined
  /** The base URL of the real service, to which calls go that are to be recorded, with the key that they came with. */
  upstream?: string | null | undefined
  /** Which calls go there: "missing" ones, "always" all, or "never" any. Default: missing, if there is an `upstream`. */
  mode?: 'missing' | 'always' | 'never' | null | undefined
}

/** Which requests a step of a script is for: those that all of this fits. */
export interface ScriptMatch {
  /** Words that the request holds. */
  prompt?: string | undefined
  /** The model that it is for. */
  model?: string | undefined
  /** Its seed. */
  seed?: number | undefined
  /** What its path holds. */
  path?: string | undefined
  /** Its kind. */
  call?: 'generate' | 'batch_request' | 'count_tokens' | 'upload_start' | 'upload_chunk' | 'upload_query' | 'file_get' | 'file_list' | 'file_delete' | 'file_download' | 'batch_create' | 'batch_list' | 'batch_get' | 'batch_cancel' | 'batch_delete' | 'interaction_create' | 'interaction_get' | 'interaction_cancel' | 'interaction_delete' | undefined
}

/**
 * One step of an emulator's script: which requests it is for, and how they are answered.
 * Names, and times in seconds, are the same in every language and over HTTP.
 */
export interface ScriptStep {
  /** The HTTP status; 300 and more alone is an error of that status. */
  status?: number | undefined
  /** `{"status", "message", "details"}` in the service's form; without the step's `status` a word such as `"RESOURCE_EXHAUSTED"` says the HTTP status. */
  error?: Record<string, unknown> | undefined
  /** A body; `{"$image": "png 8x8"}` in it becomes a picture in base64; in a stream it is an event, and a list is one event for each item. */
  json?: unknown | undefined
  /** A body byte for byte. */
  body?: string | undefined
  /** The same, in base64. */
  body_base64?: string | undefined
  /** No answer until the client goes. */
  hang?: boolean | undefined
  /** `{"prompt": "…", "model": "…", "seed": 7}`: only for a request whose words hold this, to this model, with this seed; `{"path": "…"}`: for any whose path holds this; `{"call": "…"}`: for a request of this kind: `generate`, `batch_request`, `count_tokens`, `upload_start`, `upload_chunk`, `upload_query`, `file_get`, `file_list`, `file_delete`, `file_download`, `batch_create`, `batch_list`, `batch_get`, `batch_cancel`, `batch_delete`, `interaction_create`, `interaction_get`, `interaction_cancel`, `interaction_delete` (`batch_request` is one of those that a batch is made of, whose path is `batches/ID`). */
  match?: ScriptMatch | undefined
  /** How much its own answer to an edit with a mask drifts: 0 not at all, 1 as if nothing is said, up to 4. */
  drift?: number | undefined
  /** How many requests the step is for, one by one, or `"always"`; 1 if nothing is said. */
  times?: number | 'always' | undefined
  /** The step is for this part of the requests (0.05 is one in twenty), drawn by lot; always, unless `times` ends it. */
  share?: number | undefined
  /** The same ones for the same seed; 0 if nothing is said. */
  share_seed?: number | undefined
  /** A list of texts and of pictures (`{"$image": "png 8x8"}`); each is an event. */
  thoughts?: ReadonlyArray<unknown> | undefined
  /** Words; two or three events. */
  text?: string | undefined
  /** A picture (`"jpeg 64x48"`); it is an event. */
  image?: string | undefined
  /** Several; each is an event. */
  images?: ReadonlyArray<string> | undefined
  /** Words after the pictures. */
  text_after?: string | undefined
  /** `true` for made-up metadata, or a map. */
  grounding?: true | Record<string, unknown> | undefined
  /** The end; `STOP` without one, and only `STOP` has the last part with a signature. */
  finish_reason?: string | undefined
  /** What is said of it. */
  finish_message?: string | undefined
  /** A token: the end is `CONTINUATION`, and a request with that token is taken afterwards. It goes out in base64, as the service's does; a text that is in base64 already as it is. */
  continuation?: string | undefined
  /** `[{"category", "probability", "blocked"}]`, in the end. */
  ratings?: ReadonlyArray<unknown> | undefined
  /** No answer but this feedback on the prompt, with `ratings` if there are any. */
  block_reason?: string | undefined
  /** `{"message", "modelStage", "retirementTime"}`, in every event. */
  model_status?: Record<string, unknown> | undefined
  /** Added to the reply. */
  headers?: Record<string, unknown> | undefined
  /** Seconds before the reply begins. */
  delay?: number | undefined
  /** Seconds between two events of a stream. */
  event_pause?: number | undefined
  /** Bytes in one write. */
  chunk?: number | undefined
  /** Seconds between two writes. */
  pause?: number | undefined
  /** The line breaks after this many bytes of the body, or before `"headers"`: the connection is reset; with HTTP/2 only the stream. */
  cut?: number | 'headers' | undefined
  /** After this many bytes of the body nothing more comes, nor the end, until the client goes. */
  stall?: number | undefined
  /** The `content-length` is off by so many bytes: with more, the body ends early and the connection with it; with fewer, the body is cut to fit. With HTTP/2, where the end is marked otherwise, the whole body goes out, and a client refuses the stream. */
  length?: number | undefined
  /** With HTTP/2 this request is refused (`REFUSED_STREAM`: nothing was done with it) and the connection takes no others (`GOAWAY`), but ends those under way; with HTTP/1.1 the connection closes after the answer. */
  goaway?: boolean | undefined
  /** The body is compressed; a stream so that each event can be read when it comes. */
  gzip?: boolean | undefined
}

/** What `generateMany` can be told beside the options of its calls. */
export interface ManyOptions extends Omit<GenerateOptions, 'attachments'> {
  /** How many items are under way at once. Default: 8. */
  concurrency?: number | null | undefined
  /** Whether outcomes come in the order of the items. Default: false, as they finish. */
  ordered?: boolean | null | undefined
  /**
   * A folder for the pictures, made if it is missing. Each gets the name of its item's id, or of
   * its number, and beside it a JSON file that says how it was made. No file is written over.
   */
  saveTo?: string | null | undefined
  /**
   * A file that remembers what is done: run again with it, and only what is missing is sent.
   * Pictures go to `saveTo`, else to a folder of the journal's name with `.d` at its end.
   */
  journal?: string | null | undefined
  /**
   * After so many failed items nothing more is sent, and the run ends with an error. Default: no
   * limit.
   */
  stopAfterErrors?: number | null | undefined
  /** Whether to show how far the run is, in a terminal or a notebook. Default: false. */
  progress?: boolean | null | undefined
}

/** What an edit can be told of what it may change. */
export interface EditOptions extends GenerateOptions {
  /**
   * What of the first picture may change: a picture of its size whose transparent parts, or if it has
   * none its white ones, may change (grey means partly); an array of bool; a Box; or a list of these,
   * of which each adds to what may change. Default: all of it.
   */
  mask?: MaskInput | ReadonlyArray<MaskInput> | null | undefined
  /**
   * Whether only what lies in the mask is taken from the model: every pixel outside stays exactly as
   * it is, and the result is PNG, or WebP without loss if `outputFormat` says so. Otherwise the
   * model's picture is the result as it came. Default: true.
   */
  keepOutside?: boolean | null | undefined
  /**
   * Over how many pixels the mask's edge is soft, towards its inside. Default: a hundredth of the
   * picture's shorter side, at least 2.
   */
  maskFeather?: number | null | undefined
}

/** A picture that the prompt speaks of, and in words what it shows. */
export interface ReferenceFields {
  /** What the prompt calls it, for example "Mia". */
  name?: string | null | undefined
  /** What it is there for. Default: nothing is said of it. */
  role?: 'character' | 'object' | 'style' | 'scene' | null | undefined
}

/** A picture that the prompt speaks of, and in words what it shows. */
export class Reference extends Wrapper {
  static { brand(this, 'Reference') }
  constructor(readonly image: ImageInput, readonly fields: ReferenceFields = {}) { super() }
  /** @internal */
  wrapped() { return { made: 'Reference', of: this.image, fields: this.fields } }
}

/**
 * A document or a video, and what of it the model is to see.
 * Durations are numbers of milliseconds.
 */
export interface AttachmentFields {
  /**
   * Its type, for example "application/pdf". Default: seen in its first bytes, or in the end of its
   * name if the service fetches it itself.
   */
  mimeType?: string | null | undefined
  /**
   * From where on a video is seen. Default: its start.
   * In milliseconds.
   */
  start?: number | null | undefined
  /**
   * Up to where a video is seen. Default: its end.
   * In milliseconds.
   */
  end?: number | null | undefined
  /**
   * How many pictures of each second of a video are seen: more than 0, at most 24. Default: the
   * service's, 1.
   */
  fps?: number | null | undefined
}

/**
 * A document or a video, and what of it the model is to see.
 * Durations are numbers of milliseconds.
 */
export class Attachment extends Wrapper {
  static { brand(this, 'Attachment') }
  constructor(readonly source: AttachmentInput, readonly fields: AttachmentFields = {}) { super() }
  /** @internal */
  wrapped() { return { made: 'Attachment', of: this.source, fields: this.fields } }
}

/** A box of a picture, as a mask: what lies in it may change. */
export interface BoxFields {
  /** The unit of these numbers. Default: px. */
  unit?: 'px' | 'fraction' | null | undefined
}

/** A box of a picture, as a mask: what lies in it may change. */
export class Box extends Wrapper {
  static { brand(this, 'Box') }
  constructor(readonly left: number, readonly top: number, readonly right: number, readonly bottom: number, readonly fields: BoxFields = {}) { super() }
  /** @internal */
  wrapped() { return { made: 'Box', fields: { left: this.left, top: this.top, right: this.right, bottom: this.bottom, ...this.fields } } }
}

/**
 * One request that was sent, or tried, on behalf of a call.
 * Durations are numbers of milliseconds.
 */
export interface Attempt {
  /** When it began, in UTC, as `2026-11-24T20:44:39.123Z`. */
  when: string
  /** The HTTP status of its answer; none if no answer came. */
  status: number | null
  /** Why it failed, in a few words; none if it succeeded. */
  reason: string | null
  /**
   * How long was waited after it, before the next one.
   * In milliseconds.
   */
  wait: number
  /** The service's id of this request, if it sent one. */
  requestId: string | null
}

/** What a call used, in tokens as the service counted them. */
export interface Usage {
  /** Tokens of the prompt, its pictures included. */
  inputTokens: number
  /** Tokens of the answer, its pictures included, thoughts left out. */
  outputTokens: number
  /** Those of the answer's tokens that are pictures. */
  imageTokens: number
  /** Tokens spent on thinking; billed like text of the answer. */
  thoughtTokens: number
  /** Those of the prompt's tokens that the service had cached. */
  cachedTokens: number
  /** All tokens together, as the service added them. */
  totalTokens: number
}

/** What had arrived when a reply broke off. */
export interface Partial {
  /** The text; empty if none came. */
  text: string
  /** The final pictures, whole ones only. */
  images: Array<Image>
  /** The thoughts in words; empty if none came. */
  thoughts: string
  /** Addresses of pictures that the reply names and that could not be fetched. */
  links: Array<string>
}

/** What the model thought before it drew; asked for with `thoughts`. */
export interface Thoughts {
  /** Its thoughts in words; empty if none came. */
  text: string
  /** Its drafts, in order. The last one usually equals the final picture. */
  images: Array<Image>
}

/** One page or picture that the answer draws on. */
export interface Source {
  /** The page's title. */
  title: string | null
  /** The page's address. Where pictures from a search are shown, it must be linked. */
  uri: string | null
  /** The picture's own address, if the source is a picture. */
  imageUri: string | null
}

/** A stretch of the answer's text and the sources behind it. */
export interface Span {
  /** Where it begins, in bytes of UTF-8 in its part. */
  start: number
  /** Where it ends, in bytes of UTF-8 in its part. */
  end: number
  /** The text itself. */
  text: string
  /** Indexes into `sources`. */
  sources: Array<number>
}

/** What the model searched for and found. */
export interface Grounding {
  /** The searches of the web. */
  queries: Array<string>
  /** The searches for pictures. */
  imageQueries: Array<string>
  /** What was found. */
  sources: Array<Source>
  /** Google's search suggestions as HTML; its terms ask that they are shown. */
  html: string | null
  /** Which text rests on which sources. */
  spans: Array<Span>
}

/** How a model's picture was laid on the picture that it was to change within a mask. */
export interface MaskedEdit {
  /** The model's picture as it came. */
  modelImage: Image
  /**
   * How much the model changed each pixel, within the mask and outside: a grey PNG of the first
   * picture's size, 0 where nothing changed. None if it could not be made, and for an item of an
   * earlier run.
   */
  changeMap: Image | null
  /**
   * How much the model changed what lies outside of the mask: 0 for not at all, 1 for black that
   * became white. It is the mean difference over all pixels and channels there, after the model's
   * picture was laid in place and its colours were matched. None if it is not known.
   */
  leak: number | null
  /**
   * By how many pixels of the first picture the model had moved it, right and down; that is undone.
   * Empty if it is not known.
   */
  shift: Array<number>
  /** How much larger the model had drawn it; 1 is the same size. That is undone, too. */
  scale: number | null
}

/** What a call gave: pictures, text, and all that the service said about them. */
export interface ResultFields {
  /** The final pictures of all candidates, in order. */
  images: Array<Image>
  /** For each of these pictures, if it is an edit with a mask, what became of the model's picture. */
  masked: Array<MaskedEdit>
  /** The text that came beside them; empty if none did. */
  text: string
  /** What the model thought, if it was asked to tell. */
  thoughts: Thoughts
  /** The tokens that were used. */
  usage: Usage
  /**
   * The price in USD, from the tokens and the tier that served; none if the prices are
   * not known.
   */
  cost: number | null
  /** What the model searched for and found, if it was allowed to. */
  grounding: Grounding | null
  /** Why the answer ended, as the service names it. */
  finishReason: string | null
  /** The model that answered, as the service names it. */
  model: string
  /** The service's id of the answer. */
  responseId: string | null
  /**
   * The service's id of the request that was answered, as its head names it; none if it did not, and for
   * an answer from the cache.
   */
  requestId: string | null
  /**
   * The headers of that answer that tell of the service's limits: `retry-after`, and those whose names
   * begin with `x-ratelimit-` or `ratelimit`. Empty if it sent none.
   */
  rateLimits: Record<string, string>
  /** What was sent, in order. */
  attempts: Array<Attempt>
  /** The number of the call, as its events have it; none for an item that an earlier run has made. */
  call: number | null
  /** What the caller should know, in sentences. */
  warnings: Array<string>
  /** Of `n` pictures, why the missing ones are missing. */
  errors: Array<NanoBananaError>
  /** Whether it came from a cache instead of the service. */
  cached: boolean
  /** The reply's JSON; in place of a picture's bytes stands its number in the reply. */
  raw: unknown
}

/** What is known of one model. Dates are texts like `2026-11-24`. */
export interface ModelInfo {
  /** The model's id. */
  id: string
  /** What people call it. */
  name: string
  /** Short names that stand for the id. */
  aliases: Array<string>
  /** "stable", "preview" or "deprecated". */
  state: string
  /** The aspect ratios it takes. */
  aspectRatios: Array<string>
  /** The sizes it takes, small to large. */
  imageSizes: Array<string>
  /** The size it draws when none is asked for. */
  defaultImageSize: string
  /** The thinking levels it takes; empty if none can be asked for. */
  thinking: Array<string>
  /** Whether its thoughts can be asked for. */
  thoughts: boolean
  /** Whether it thinks in every call, which is paid for and cannot be switched off. */
  alwaysThinks: boolean
  /** Whether it can search the web. */
  search: boolean
  /** Whether it can search for pictures. */
  imageSearch: boolean
  /** The service tiers it is offered in. */
  serviceTiers: Array<string>
  /** How many pictures a call may send; none if no limit is known. */
  maxImages: number | null
  /** Beyond how many pictures its results get worse; none if that is not known. */
  softMaxImages: number | null
  /** How many references of a role it keeps alike from picture to picture, where that is known. */
  references: Record<string, number>
  /** Whether it takes videos. */
  videoInput: boolean
  /** How many tokens an answer may have. */
  maxOutputTokens: number
  /** What one picture costs in USD by size, in the standard tier, prompt not counted. */
  pricePerImage: Record<string, number>
  /** The day on which the prices were last checked. */
  pricesChecked: string
  /** Since when it is generally available. */
  released: string | null
  /** Since when it is deprecated. */
  deprecated: string | null
  /** When it is shut down, or the earliest day for that. */
  shutdown: string | null
  /** The id of the model to move to. */
  successor: string | null
  /** Since when projects that never used it are refused. */
  closedToNewProjects: string | null
  /** What else is worth knowing, in sentences. */
  notes: Array<string>
}

/** What came of one item of `generateMany`. */
export type Outcome = {
  /** The item's place among the items, from 0. */
  index: number
  /** The item's id, if it has one. */
  id: string | null
  /** Whether it was done in an earlier run and costs nothing now. */
  cached: boolean
  /** Where its pictures are: those that were written, in the order of `result.images`. */
  files: Array<string>
  /**
   * What the journal knows it by: its id, or the hash of all that is sent; of equal items each
   * but the first has its number behind it. Empty if the item failed before that was known.
   */
  key: string
} & ({ ok: true; result: Result; error: null } | { ok: false; result: null; error: NanoBananaError })

/** What a call is expected to cost, in USD for all of its requests together. */
export interface Estimate {
  /** The id of the model. */
  model: string
  /** The price in USD if everything goes cheaply; none if the model, or its service tier, has no known price. */
  low: number | null
  /** The price in USD that is most likely. */
  typical: number | null
  /** The price in USD if everything goes dearly; no limit that the service keeps. */
  high: number | null
  /** How many requests it is: `n`. */
  calls: number
  /** The tokens of the prompts and their pictures; none if the model is not known. */
  inputTokens: number | null
  /** The tokens of the pictures that are drawn; none if the model is not known. */
  imageTokens: number | null
  /** What was assumed, in sentences. */
  assumes: Array<string>
  /** What may be billed beside it, in sentences. */
  notIncluded: Array<string>
  /** What the caller should know about the options, in sentences. */
  warnings: Array<string>
}

/** How many tokens a request would send. */
export interface TokenCount {
  /** All of them. */
  totalTokens: number
  /** Those that the service has cached. */
  cachedTokens: number
  /** Those of words. */
  textTokens: number
  /** Those of pictures. */
  imageTokens: number
  /** Those of videos. */
  videoTokens: number
  /** Those of sound. */
  audioTokens: number
  /** Those of documents. */
  documentTokens: number
  /** What the caller should know about the options, in sentences. */
  warnings: Array<string>
}

/** A file that was uploaded to the Files API. Its project alone can use it; it lives 48 hours, and is free. */
export interface File {
  /** What the service calls it: "files/" and up to 40 lower case letters, digits and dashes. */
  name: string
  /** Its address, which is what goes into a request. */
  uri: string
  /** What it is, for example "image/png". */
  mimeType: string
  /** How many bytes it has. */
  sizeBytes: number | null
  /** "PROCESSING", "ACTIVE" (it can be used) or "FAILED". */
  state: string
  /** What its owner calls it. */
  displayName: string | null
  /** When it was uploaded, in UTC, as `2026-11-24T20:44:39.123Z`. */
  createTime: string | null
  /** When it was last changed. */
  updateTime: string | null
  /** When the service deletes it. */
  expirationTime: string | null
  /** The SHA-256 of its bytes in base64, as the service tells it. */
  sha256: string | null
  /** How it came: "UPLOADED", "GENERATED" or "REGISTERED". */
  source: string | null
  /** Why it cannot be used, if it is FAILED. */
  error: string | null
}

/** A picture's file or pixels in numbers. */
export interface PictureFacts {
  /** Its type, for example "image/png"; none for pixels that were never a file, and where it is not known. */
  mimeType: string | null
  /** Its width in pixels, as it is seen; none where that is not known. */
  width: number | null
  /** Its height in pixels, as it is seen; none where that is not known. */
  height: number | null
  /** How many bytes it has; none where that is not known. */
  bytes: number | null
}

/** What becomes of one picture before it is sent, and why. */
export interface InputPlan {
  /** Which of the call's pictures it is, from 0: those of the prompt first, then `images`. */
  index: number
  /** The picture as it was named, or what it is. */
  input: string
  /**
   * "as it is" (the very bytes), "by reference" (the service fetches it), or what was done for its
   * sake: "encoded" (pixels became a file), "converted" (another type or other colours), "turned"
   * (upright, as its EXIF says), "shrunk" (fewer pixels or bytes). Of several the last of these.
   */
  action: string
  /** What was handed in. */
  given: PictureFacts
  /** What is sent. */
  sent: PictureFacts
  /** Whether something of it is lost: colours, sharpness, frames or pixels. */
  lossy: boolean
  /** What is done and for what reason, in sentences. */
  why: Array<string>
}

/** What a call would send. */
export interface Explained {
  /** The id of the model. */
  model: string
  /** What becomes of each picture, in the order in which they are sent. */
  inputs: Array<InputPlan>
  /** How many bytes one request would have. */
  bodyBytes: number
  /** What the caller should know about the options and the pictures, in sentences. */
  warnings: Array<string>
}

/** A request of which it is not known whether it was billed. */
export interface UnknownCall {
  /** When that was found, in UTC, as `2026-11-24T20:44:39.123Z`. */
  when: string
  /** The id of the model. */
  model: string
  /** Why it is not known, in a few words. */
  reason: string
}

/** What a client and its copies have spent in this process, in USD. */
export interface Spent {
  /**
   * What the answered requests cost, in USD. One whose price is not known counts with what was set
   * aside for it, if anything was.
   */
  usd: number
  /** How many requests were answered, and so paid for. */
  calls: number
  /** What is set aside for requests under way, in USD. */
  pendingUsd: number
  /** Of how many requests it is not known whether they were billed. */
  unknown: number
  /** What is kept for those, in USD: their typical price. */
  unknownUsd: number
  /** Which those were; the last 100. */
  unknownCalls: Array<UnknownCall>
  /** How many of the answered requests have a price that is not known. */
  unpriced: number
  /** What the budget has left for further requests, in USD; none without one for all of them. */
  remainingUsd: number | null
}

/** One turn of a conversation. */
export interface ChatTurn {
  /** Who spoke: "user" or "model". */
  role: string
  /** The words; empty if there were none. */
  text: string
  /** The pictures, in order. */
  images: Array<Image>
  /** What was attached, as its type and size; and what was named only, as its URI. */
  files: Array<string>
}

/** The model thinks: some words, or a draft. */
export interface ThoughtEvent {
  /** Which event it is. */
  type: 'thought'
  /** Its thought in words. */
  text: string | null
  /** Its draft. */
  image: Image | null
}

/** Some of the answer's text. */
export interface TextEvent {
  /** Which event it is. */
  type: 'text'
  /** The next words. */
  text: string
}

/** A final picture. */
export interface ImageEvent {
  /** Which event it is. */
  type: 'image'
  /** The picture. */
  image: Image
}

/** The end: all that came, put together as a call without a stream would give it. */
export interface DoneEvent {
  /** Which event it is. */
  type: 'done'
  /** The result. */
  result: Result
}

/**
 * One step of a call: what `onEvent` gets, and what the log says.
 * Durations are numbers of milliseconds.
 */
export interface ClientEvent {
  /**
   * "wait" (for the client's turn, as its limits or the service's pause demand), "request",
   * "response", "retry" (the attempt failed and is made again after `wait`), "upload" (a picture
   * of the call is at the Files API now), "fetch" (a picture's own server was asked for it: `status` and `size`, or
   * `reason`), "warning" (money, a loss or the model of a result: `reason`
   * says it) or "dropped" (this and later events came faster than they were read; `dropped` is how many
   * are missing here).
   */
  name: string
  /** The same as a sentence, for a log. */
  message: string
  /**
   * A number that the events of one call share, counted from 1 in each process. The call's result or
   * error has the same number as `call`.
   */
  call: number
  /** Which of the call's `n` requests it is about, counted from 0. */
  index: number
  /** The model's id. */
  model: string
  /** Which attempt of the call it is, counted from 1. */
  attempt: number
  /** Bytes of the request's body, or of all pictures that came. */
  size: number | null
  /** How many pictures came. */
  images: number | null
  /** The HTTP status of the answer; none if no answer came. */
  status: number | null
  /** The service's id of the request, if it sent one. */
  requestId: string | null
  /**
   * How long the attempt took, from its first byte sent to its last one received.
   * In milliseconds.
   */
  took: number | null
  /**
   * How long is waited next, as far as is known.
   * In milliseconds.
   */
  wait: number | null
  /** Why the attempt failed, in a few words; none if it did not. */
  reason: string | null
  /** The tokens used. */
  usage: Usage | null
  /** The price in USD, if it is known. */
  cost: number | null
  /** How many events are missing here, because they came faster than they were read. */
  dropped: number | null
}

/** Something in a picture's file that says how it was made. */
export interface Mark {
  /**
   * Where it stands: "c2pa" (signed credentials), "xmp" or "iptc" (plain words that anybody can
   * write).
   */
  kind: string
  /**
   * What it says: the last word of an IPTC digital source type, such as
   * "trainedAlgorithmicMedia", or a credit such as "Made with Google AI"; none if it says neither.
   */
  claim: string | null
  /** The program that wrote it, if it says which. */
  generator: string | null
}

/**
 * What a picture's file says about how it was made. It is found, not verified: no signature is
 * checked, and a file without marks may have lost them.
 */
export interface Provenance {
  /**
   * Whether it carries C2PA credentials. They are good for these very bytes only; a conversion
   * drops them.
   */
  c2pa: boolean
  /** Whether a mark says that it was made or changed by AI. */
  ai: boolean
  /** The marks, at most 16. */
  marks: Array<Mark>
}

/** What a stream gives, as it arrives; `type` says which it is. */
export type Event = ThoughtEvent | TextEvent | ImageEvent | DoneEvent

held.set('Partial', { images: 'Image' })
held.set('Thoughts', { images: 'Image' })
held.set('MaskedEdit', { modelImage: 'Image', changeMap: 'Image' })
held.set('Result', { images: 'Image', masked: 'MaskedEdit', thoughts: 'Thoughts', errors: 'NanoBananaError' })
held.set('Outcome', { result: 'Result', error: 'NanoBananaError' })
held.set('ChatTurn', { images: 'Image' })
held.set('Event', { image: 'Image', result: 'Result' })
held.set('NanoBananaError', { partial: 'Partial' })
held.set('History', { turns: 'ChatTurn' })
held.set('Step', { outcome: 'Outcome' })

/** The client cannot be used as it was set up, for example because no API key was found. */
export class ConfigError extends NanoBananaError {
  static { kind(this, 'ConfigError', {}) }
}

/** An option that does not exist, or a value of the wrong type or form. Nothing was sent. */
export class InvalidOptionError extends NanoBananaError {
  static { kind(this, 'InvalidOptionError', { option: null, allowed: [], hint: null }) }
  /** The option's name as it was given. */
  declare readonly option: string | null
  /** The values that are allowed, if they can be listed. */
  declare readonly allowed: Array<string> | null
  /** The nearest thing that would have been right. */
  declare readonly hint: string | null
}

/** The chosen model does not have this option, or not with this value. Nothing was sent. */
export class UnsupportedOptionError extends NanoBananaError {
  static { kind(this, 'UnsupportedOptionError', { model: null, option: null, value: null, allowed: [], hint: null }) }
  /** The id of the model. */
  declare readonly model: string | null
  /** The option's name as it was given. */
  declare readonly option: string | null
  /** The value that was given. */
  declare readonly value: unknown
  /** The values that this model takes; empty if it does not have the option at all. */
  declare readonly allowed: Array<string> | null
  /** The nearest value that this model takes, or a model that takes the value given. */
  declare readonly hint: string | null
}

/** A picture cannot be used: which one and why. */
export class ImageError extends NanoBananaError {
  static { kind(this, 'ImageError', { index: null, input: null }) }
  /** Which of the call's pictures it is, counted from 0; none outside of a call. */
  declare readonly index: number | null
  /** The picture as it was named: a path, a URL or a type, never bytes. */
  declare readonly input: string | null
}

/** The client's budget has no room for a request, which was not sent. What was spent stays spent. */
export class BudgetExceededError extends NanoBananaError {
  static { kind(this, 'BudgetExceededError', { budget: null, perCall: null, spent: null, held: null, needed: null, attempts: [] }) }
  /** The most that may be spent in all, in USD; none if only single requests are limited. */
  declare readonly budget: number | null
  /** The most that one request may be expected to cost, in USD; none if that is not limited. */
  declare readonly perCall: number | null
  /** What is spent, and kept for requests whose outcome is not known, in USD. */
  declare readonly spent: number | null
  /** What is set aside for requests under way, in USD. */
  declare readonly held: number | null
  /** What this would typically have cost, in USD. */
  declare readonly needed: number | null
  /** What was sent on behalf of this call before, in order. */
  declare readonly attempts: Array<Attempt>
}

/** The service, or the way to it, failed. */
export class APIError extends NanoBananaError {
  static { kind(this, 'APIError', { attempts: [], billed: null, retryable: false, partial: null, warnings: [] }) }
  /** What was sent on behalf of this call, in order. */
  declare readonly attempts: Array<Attempt>
  /** Whether the failed call was paid for: "no", "yes" or "unknown". */
  declare readonly billed: string | null
  /** Whether the same call may succeed later. */
  declare readonly retryable: boolean
  /** What had arrived before the reply broke off; none if nothing had. */
  declare readonly partial: Partial | null
  /**
   * What was known about the options before the call was sent, in sentences, as the warnings of a result; empty if
   * nothing was.
   */
  declare readonly warnings: Array<string>
}

/** No answer came: the connection could not be made, or it broke. */
export class APIConnectionError extends APIError {
  static { kind(this, 'APIConnectionError', {}) }
}

/** The time allowed for the call ran out. */
export class APITimeoutError extends APIConnectionError {
  static { kind(this, 'APITimeoutError', {}) }
}

/** The service answered with an error. */
export class APIStatusError extends APIError {
  static { kind(this, 'APIStatusError', { status: null, code: null, details: null, requestId: null }) }
  /** The HTTP status. */
  declare readonly status: number | null
  /** The service's own name of the error, for example "RESOURCE_EXHAUSTED". */
  declare readonly code: string | null
  /** What the service said beside the message. */
  declare readonly details: unknown
  /** The service's id of the request, if it sent one. */
  declare readonly requestId: string | null
}

/** The service found the request wrong (400, 413 and other 4xx). */
export class BadRequestError extends APIStatusError {
  static { kind(this, 'BadRequestError', {}) }
}

/** The service does not know the API key. */
export class AuthenticationError extends APIStatusError {
  static { kind(this, 'AuthenticationError', {}) }
}

/** The key is missing, or may not do this. */
export class PermissionDeniedError extends APIStatusError {
  static { kind(this, 'PermissionDeniedError', {}) }
}

/** The model or file does not exist, or not any more. */
export class NotFoundError extends APIStatusError {
  static { kind(this, 'NotFoundError', {}) }
}

/** Too many requests, or a quota is used up. */
export class RateLimitError extends APIStatusError {
  static { kind(this, 'RateLimitError', { retryAfter: null, quota: null, permanent: null }) }
  /**
   * After how many seconds the service wants to be asked again, if it said so.
   * In seconds, as in the header; `retryAfterMs` is the same in milliseconds.
   */
  declare readonly retryAfter: number | null
  /** `retryAfter` in milliseconds, as all other times are here. */
  get retryAfterMs(): number | null {
    return this.retryAfter === null ? null : Math.round(this.retryAfter * 1000)
  }
  /** The quota that is used up, as the service names it. */
  declare readonly quota: string | null
  /** Whether waiting is of no use: true for a daily or a zero quota. */
  declare readonly permanent: boolean | null
}

/** The service failed (any 5xx). */
export class InternalServerError extends APIStatusError {
  static { kind(this, 'InternalServerError', {}) }
}

/** A reply that is not what the API promises: cut off, not JSON, damaged. */
export class ResponseError extends APIError {
  static { kind(this, 'ResponseError', {}) }
}

/** The service refused the prompt or the picture for a reason of policy. */
export class BlockedError extends APIError {
  static { kind(this, 'BlockedError', { stage: null, reason: null, ratings: null, finishReason: null, finishMessage: null, text: null, usage: null, cost: null, responseId: null }) }
  /** What was refused: "prompt" or "output". */
  declare readonly stage: string | null
  /** The service's reason, for example "IMAGE_SAFETY". */
  declare readonly reason: string | null
  /** The service's ratings of the content by category. */
  declare readonly ratings: unknown
  /** Why the answer ended, as the service names it. */
  declare readonly finishReason: string | null
  /** The service's sentence about that. */
  declare readonly finishMessage: string | null
  /** The text that came instead. */
  declare readonly text: string | null
  /** What the call used. */
  declare readonly usage: Usage | null
  /** What the call cost in USD, if the model's prices are known. */
  declare readonly cost: number | null
  /** The service's id of the answer. */
  declare readonly responseId: string | null
}

/** The call succeeded, but no picture came. */
export class NoImageError extends APIError {
  static { kind(this, 'NoImageError', { finishReason: null, finishMessage: null, text: null, usage: null, cost: null, responseId: null }) }
  /** Why the answer ended, as the service names it. */
  declare readonly finishReason: string | null
  /** The service's sentence about that. */
  declare readonly finishMessage: string | null
  /** The text that came instead. */
  declare readonly text: string | null
  /** What the call used. */
  declare readonly usage: Usage | null
  /** What the call cost in USD, if the model's prices are known. */
  declare readonly cost: number | null
  /** The service's id of the answer. */
  declare readonly responseId: string | null
}
