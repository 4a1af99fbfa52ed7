//! Errors of the documented stacks, made up with a known truth: which template each comes from.

/// A kind of error: its logger, its message with places for data, and the stack that follows it.
pub struct Kind {
    pub critical: bool,
    pub logger: &'static str,
    pub message: &'static str,
    /// Class and own frame.
    pub stack: Option<(&'static str, &'static str)>,
}

/// One error event.
pub struct Made {
    pub kind: usize,
    pub message: String,
    /// Lines that follow it.
    pub more: Vec<String>,
}

const fn error(logger: &'static str, message: &'static str) -> Kind {
    Kind { critical: false, logger, message, stack: None }
}

const fn critical(logger: &'static str, message: &'static str) -> Kind {
    Kind { critical: true, logger, message, stack: None }
}

const fn raised(
    logger: &'static str,
    message: &'static str,
    class: &'static str,
    frame: &'static str,
) -> Kind {
    Kind { critical: false, logger, message, stack: Some((class, frame)) }
}

/// `{n}` a number, `{f}` one with a fraction, `{q}` a name in quotes, `{k}` a name after `=`,
/// `{u}` a UUID, `{x}` an address in memory, `{i}` an IP address, `{h}` a host, `{p}` a path,
/// `{l}` a list of numbers, `{t}` a time, `{g}` words in guillemets.
pub const KINDS: &[Kind] = &[
    // Telegram, aiogram.
    error(
        "aiogram.dispatcher",
        "Failed to fetch updates - TelegramNetworkError: HTTP Client says - Request timeout error",
    ),
    error("aiogram.dispatcher", "Failed to fetch updates - TelegramServerError: Bad Gateway"),
    error(
        "aiogram.dispatcher",
        "Failed to fetch updates - TelegramConflictError: Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    ),
    raised(
        "aiogram.event",
        "Cause exception while process update id={n} by bot id={n}",
        "aiogram.exceptions.TelegramBadRequest",
        "handlers.py:on_message",
    ),
    raised(
        "aiogram.event",
        "Cause exception while process update id={n} by bot id={n}",
        "KeyError",
        "handlers.py:on_callback",
    ),
    raised(
        "aiogram.event",
        "Cause exception while process update id={n} by bot id={n}",
        "aiogram.exceptions.TelegramForbiddenError",
        "handlers.py:on_message",
    ),
    raised(
        "aiogram.event",
        "Cause exception while process update id={n} by bot id={n}",
        "KeyError",
        "search.py:find",
    ),
    error(
        "bot.sender",
        "Cannot send message {n} to chat -100{n}: Forbidden: bot was blocked by the user",
    ),
    error(
        "bot.sender",
        "Cannot send message {n} to chat -100{n}: Flood control exceeded. Retry in {n} seconds",
    ),
    error("bot.sender", "Cannot download avatar of @user{n}: file is too big"),
    // TaskIQ.
    raised(
        "taskiq.receiver.receiver",
        "Exception found while executing function: {q}",
        "asyncpg.exceptions.DeadlockDetectedError",
        "tasks.py:embed_messages_batch_task",
    ),
    raised(
        "taskiq.receiver.receiver",
        "Exception found while executing function: {q}",
        "httpx.ReadTimeout",
        "tasks.py:score_message_task",
    ),
    error("taskiq.receiver.receiver", "task {q} is not found. Maybe you forgot to import it?"),
    error("taskiq.worker", "Worker-{n} process died unexpectedly with exit code -{n}"),
    error("worker.tasks", "Task execute_analysis_run failed after {n} ms: run {u} has status={k}"),
    error(
        "worker.tasks",
        "Task ingest_telegram_messages_task failed after {n} ms: channel {n} is gone",
    ),
    critical(
        "worker.tasks",
        "Task execute_analysis_run failed after {n} ms: run {u} has status={k}",
    ),
    // Groq, Gemini, OpenAI.
    error(
        "llm.groq",
        "Error code: 429 - {'error': {'message': 'Rate limit reached for model `llama-{n}b` in organization `org_{x}` on tokens per minute: Limit {n}, Used {n}. Please try again in {f}s.', 'type': 'tokens', 'code': 'rate_limit_exceeded'}}",
    ),
    error(
        "llm.groq",
        "Error code: {n} - {'error': {'message': 'Invalid API Key', 'type': 'invalid_request_error', 'code': 'invalid_api_key'}, 'status': {n}}",
    ),
    error("llm.gemini", "429 RESOURCE_EXHAUSTED. You exceeded your current quota, retry in {f}s"),
    error("llm.gemini", "503 UNAVAILABLE. The model is overloaded. Please try again later."),
    error(
        "llm.router",
        "no answer from {q} for user {n} within {f} s, giving up after {n} attempts",
    ),
    error(
        "llm.router",
        "all providers failed for request {u}: groq=TimeoutError gemini=RateLimitError",
    ),
    error(
        "llm.router",
        "all providers failed for request {u}: groq=ConnectError gemini=RateLimitError",
    ),
    // EdgeTTS.
    raised(
        "tts.edge",
        "no speech for {n} characters with voice th-TH-{n}Neural",
        "edge_tts.exceptions.NoAudioReceived",
        "tts.py:speak",
    ),
    error(
        "tts.edge",
        "Cannot connect to host {h}:443 ssl:default [Temporary failure in name resolution]",
    ),
    error(
        "tts.edge",
        "WSServerHandshakeError: 403, message='Invalid response status', url='wss://{h}/v1?id={x}'",
    ),
    // Google Sheets.
    error(
        "sync.sheets",
        "APIError: [{n}]: Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service {q} for consumer 'project_number:{n}'.",
    ),
    error("sync.sheets", "row {n} of sheet {q}: column image is no URL"),
    error("sync.sheets", "row {n} of sheet {q}: column format is unknown"),
    error("sync.sheets", "cannot take the lock sheets:sync:{n}, held for {f} s"),
    // HTTP and web sockets.
    raised("uvicorn.error", "Exception in ASGI application", "ValueError", "routes.py:create_task"),
    raised("uvicorn.error", "Exception in ASGI application", "ValueError", "routes.py:delete_task"),
    raised(
        "uvicorn.error",
        "Exception in ASGI application",
        "sqlalchemy.exc.TimeoutError",
        "db.py:session",
    ),
    error("api.ws", "WebSocket {x} disconnected with code {n} after {f} s"),
    error("api.ws", "WebSocket {x} refused: topic {q} is unknown"),
    error("api.auth", "token of {i} expired at {t}"),
    error("api.auth", "5 failed logins from {i} for user{n}@{h}"),
    // nginx.
    error(
        "nginx",
        "{n}#{n}: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: {i}, server: _, request: \"GET /api/{n} HTTP/1.1\", upstream: \"http://{i}:8000/api/{n}\", host: \"{h}\"",
    ),
    error(
        "nginx",
        "{n}#{n}: *{n} upstream timed out (110: Connection timed out) while reading response header from upstream, client: {i}, server: _, request: \"POST /api HTTP/1.1\", host: \"{h}\"",
    ),
    error(
        "nginx",
        "{n}#{n}: *{n} open() \"{p}\" failed (2: No such file or directory), client: {i}, server: _, request: \"GET {p} HTTP/1.1\", host: \"{h}\"",
    ),
    error(
        "nginx",
        "{n}#{n}: *{n} client intended to send too large body: {n} bytes, client: {i}, server: _",
    ),
    error(
        "nginx",
        "{n}#{n}: *{n} limiting requests, excess: {f} by zone {q}, client: {i}, server: _",
    ),
    critical(
        "nginx",
        "{n}#{n}: *{n} SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: {i}",
    ),
    // PostgreSQL.
    error("", "duplicate key value violates unique constraint \"users_pkey\""),
    error("", "duplicate key value violates unique constraint \"orders_email_key\""),
    error("", "deadlock detected"),
    error("", "relation \"users\" does not exist at character {n}"),
    error("", "column \"users\" does not exist at character {n}"),
    error("", "canceling statement due to statement timeout"),
    error("", "invalid page in block {n} of relation base/{n}/{n}"),
    error("", "could not read block {n} in file \"base/{n}/{n}\": read only {n} of 8192 bytes"),
    critical("", "password authentication failed for user {q}"),
    critical("", "sorry, too many clients already"),
    critical("", "terminating connection due to administrator command"),
    // MongoDB, Qdrant, Redis, NATS.
    error(
        "db.mongo",
        "{h}:27017: [Errno 111] Connection refused, Timeout: {n}s, Topology Description: <TopologyDescription id: {x}, topology_type: Unknown>",
    ),
    error(
        "db.qdrant",
        "Unexpected Response: {n} (Not Found) Raw response content: b'{\"status\":{\"error\":\"Not found: Collection `c{n}` is no more\"},\"time\":{f}}'",
    ),
    error("db.redis", "Error 111 connecting to {h}:6379. Connection refused."),
    error(
        "db.redis",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    ),
    error("events.nats", "nats: no responders available for request"),
    error("events.nats", "nats: timeout after {f}s on subject {q}"),
    error("events.nats", "slow consumer on {q}, dropped messages {l}"),
    // FAISS, models, disks.
    error("search.index", "Не удалось загрузить индекс FAISS: {p}"),
    error("search.index", "Ошибка поиска для запроса {g} от пользователя {n}"),
    error("search.index", "Индекс повреждён: ожидалось {n} векторов, найдено {n}"),
    raised("search.index", "index {p} cannot be read", "RuntimeError", "index.py:load"),
    critical(
        "model.gpu",
        "CUDA out of memory. Tried to allocate {f} GiB. GPU {n} has a total capacity of {f} GiB",
    ),
    error("model.gpu", "모델 추론 실패: 요청 {u}, {f}초 경과"),
    error("queue.search", "큐 search 가득 참: 대기 {n}건"),
    error("queue.analysis", "큐 analysis 가득 참: 대기 {n}건"),
    error("events", "Не вдалося підключитися до {h}:4222, спроба {n}"),
    error("events", "Помилка обробки повідомлення {n} з каналу {g}"),
    error("line_worker", "ไม่สามารถเชื่อมต่อฐานข้อมูลที่ {h}:27017"),
    error("line_worker", "ซิงค์แถว {n} ล้มเหลว: รูปแบบไม่ถูกต้อง"),
    critical("backup", "[Errno 28] No space left on device: {q}"),
    error("backup", "mongodump ended with {n} at {t}"),
    // asyncio, SQLAlchemy.
    error(
        "asyncio",
        "Unclosed client session client_session: <aiohttp.client.ClientSession object at {x}>",
    ),
    error(
        "asyncio",
        "Task exception was never retrieved future: <Task finished name='Task-{n}' coro=<poll() done, defined at {p}:{n}> exception=TimeoutError()>",
    ),
    error(
        "sqlalchemy.pool",
        "QueuePool limit of size {n} overflow {n} reached, connection timed out, timeout {f}",
    ),
];

/// A stream of numbers that is the same everywhere.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// Events of every kind, the later kinds more often, in an order of chance.
pub fn events(seed: u64) -> Vec<Made> {
    let mut chance = Chance(seed);
    let mut made = Vec::new();
    for (kind, of) in KINDS.iter().enumerate() {
        for _ in 0..5 + 3 * kind {
            made.push(Made {
                kind,
                message: fill(of.message, &mut chance),
                more: of.stack.map_or_else(Vec::new, |stack| stack_of(stack, &mut chance)),
            });
        }
    }
    chance.shuffle(&mut made);
    made
}

fn fill(message: &str, chance: &mut Chance) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        out += before;
        if let (Some(kind), Some("}")) = (after.get(..1), after.get(1..2)) {
            out += &data(kind, chance);
            rest = &after[2..];
        } else {
            out.push('{');
            rest = after;
        }
    }
    out + rest
}

fn data(kind: &str, chance: &mut Chance) -> String {
    let name = |chance: &mut Chance| {
        let ends = ["", "_pkey", " two words", "s", "-x", ".old", "7", "Ж"];
        chance.pick(&["users", "orders", "alice", "Лист", "chat", "b"]).to_owned()
            + chance.pick(&ends)
    };
    match kind {
        "n" => {
            let digits = chance.below(8);
            chance
                .below([10, 100, 1000, 10_000, 100_000, 1 << 20, 1 << 25, 1 << 30][digits])
                .to_string()
        }
        "f" => format!("{}.{}", chance.below(100), chance.below(1000)),
        "q" => format!("\"{}\"", name(chance)),
        "k" => chance.pick(&["failed", "running", "stuck", "new"]).to_owned(),
        "u" => format!(
            "{:08x}-0a0b-4c{:02x}-8abc-{:012x}",
            chance.below(1 << 30),
            chance.below(256),
            chance.below(1 << 30)
        ),
        "x" => format!("0x7f{:010x}", chance.below(1 << 30)),
        "i" => format!(
            "{}.{}.{}.{}",
            chance.below(256),
            chance.below(256),
            chance.below(256),
            chance.below(256)
        ),
        "h" => chance
            .pick(&[
                "api.telegram.org",
                "db-1.local",
                "example.com",
                "nats.internal",
                "speech.platform.bing.com",
            ])
            .to_owned(),
        "p" => format!(
            "/srv/{}/{}.faiss",
            chance.pick(&["bot", "data", "x/y/z"]),
            chance.pick(&["index", "a1", "new-index"])
        ),
        "l" => {
            let items: Vec<String> =
                (0..=chance.below(5)).map(|_| chance.below(99).to_string()).collect();
            format!("[{}]", items.join(", "))
        }
        "t" => format!(
            "2024-0{}-1{} 1{}:00:00",
            1 + chance.below(9),
            chance.below(10),
            chance.below(10)
        ),
        _ => format!("«{}»", chance.pick(&["Война и мир", "Новини", "Кобзар"])),
    }
}

/// A traceback with library frames around the own one.
fn stack_of((class, frame): (&str, &str), chance: &mut Chance) -> Vec<String> {
    let (file, function) = frame.split_once(':').unwrap();
    let mut lines = vec!["Traceback (most recent call last):".to_owned()];
    let frame = |file: &str, function: &str, chance: &mut Chance| {
        vec![
            format!("  File \"{file}\", line {}, in {function}", 1 + chance.below(999)),
            format!("    return await call({})", chance.below(99)),
        ]
    };
    for _ in 0..chance.below(4) {
        lines.extend(frame("/usr/lib/python3.12/asyncio/tasks.py", "wait_for", chance));
    }
    let root = chance.pick(&["/app", "/home/bot/src", "/srv/x"]);
    lines.extend(frame(&format!("{root}/{file}"), function, chance));
    for _ in 0..chance.below(3) {
        lines.extend(frame("/venv/lib/python3.12/site-packages/lib/client.py", "call", chance));
    }
    lines.push(format!("{class}: item {} of {}", chance.below(99), chance.pick(&["a", "b"])));
    lines
}
