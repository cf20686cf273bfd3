//! The table of everything under `/api/v1` that is a verb of the operator door: method, path, verb, where its fields come
//! from, how its answer is wrapped. The router and the OpenAPI document are both made from it, so neither can know a
//! path that the other does not.

/// The beginning of all paths.
pub(crate) const BASE: &str = "/api/v1";

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As the document writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }
}

/// One way to ask the door something.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Below [`BASE`].
    pub(crate) path: &'static str,
    /// The door's verb.
    pub(crate) cmd: &'static str,
    /// Which of its own verbs, when it has several.
    pub(crate) verb: Option<&'static str>,
    /// One sentence for the document.
    pub(crate) summary: &'static str,
    /// Parts of the path, with the field of the request that each is.
    pub(crate) parts: &'static [(&'static str, &'static str)],
    /// What may stand behind the question mark.
    pub(crate) query: &'static [Asked],
    /// What the body may hold.
    pub(crate) body: Taken,
    /// The name under which the answer stands; as it is when there is none.
    pub(crate) wrap: Option<&'static str>,
}

/// A field in the query.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its name there and in the request.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// What a field in the query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    /// A time in milliseconds, 1 to this, for which the answer is waited for.
    WaitMs(u64),
    Flag,
    /// Texts between commas.
    List,
}

/// What is taken of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There is none.
    Nothing,
    /// These fields and no others.
    Fields(&'static [&'static str]),
}

const fn asked(name: &'static str, kind: Kind) -> Asked {
    Asked { name, kind }
}

/// 5 s: half of what clients wait for an answer; the door itself takes a minute.
const ACTORS_WAIT_MS_MAX: u64 = 5_000;

const ID: &[(&str, &str)] = &[("id", "moduleId")];
const NAME: &[(&str, &str)] = &[("name", "name")];
const ZONE: &[(&str, &str)] = &[("zone", "zone")];
const VARIABLE: &[(&str, &str)] = &[("scope", "scope"), ("key", "key")];
const DRY: &[Asked] = &[asked("dryRun", Kind::Flag)];
const CHANGE: Taken = Taken::Fields(&["requestId", "moduleId", "permissions", "dryRun"]);

const fn get(path: &'static str, cmd: &'static str, summary: &'static str) -> Route {
    Route {
        method: Method::Get,
        path,
        cmd,
        verb: None,
        summary,
        parts: &[],
        query: &[],
        body: Taken::Nothing,
        wrap: None,
    }
}

const fn post(path: &'static str, cmd: &'static str, summary: &'static str) -> Route {
    Route {
        method: Method::Post,
        path,
        cmd,
        verb: None,
        summary,
        parts: &[],
        query: &[],
        body: Taken::Nothing,
        wrap: None,
    }
}

impl Route {
    const fn parts(mut self, parts: &'static [(&'static str, &'static str)]) -> Self {
        self.parts = parts;
        self
    }

    const fn query(mut self, query: &'static [Asked]) -> Self {
        self.query = query;
        self
    }

    const fn body(mut self, fields: &'static [&'static str]) -> Self {
        self.body = Taken::Fields(fields);
        self
    }

    const fn verb(mut self, verb: &'static str) -> Self {
        self.verb = Some(verb);
        self
    }

    const fn wrap(mut self, wrap: &'static str) -> Self {
        self.wrap = Some(wrap);
        self
    }

    const fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Whether asking it may change something, so that it needs more than a cookie.
    pub(crate) fn changes(&self) -> bool {
        self.method != Method::Get
    }
}

/// All of them.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    KERNEL.iter().chain(MODULES).chain(UPDATES).chain(SEEING).chain(TALKING)
}

static KERNEL: &[Route] = &[
    get("/kernel", "kernel.status", "How the kernel is"),
    post("/kernel/reload", "kernel.reload", "Read files again and act on the difference")
        .query(DRY)
        .body(&["what", "dryRun"]),
    post("/kernel/safe-mode", "kernel.safe-mode", "End every module and start none").body(&["why"]),
    post("/kernel/resume", "kernel.resume", "Leave safe mode"),
    post("/kernel/stop", "kernel.stop", "Stop everything in order").query(DRY),
    post("/zones/{zone}/restart", "zone.restart", "Give every module of a zone a new life").parts(ZONE),
    post("/zones/{zone}/reset", "zone.reset", "Begin a zone anew").parts(ZONE),
];

static MODULES: &[Route] = &[
    get("/modules", "module.list", "All modules").wrap("modules"),
    get("/modules/{id}", "module.show", "Everything about one module").parts(ID),
    post("/modules/{id}/start", "module.start", "Start it; answered when it is ready or has failed")
        .parts(ID)
        .query(DRY),
    post("/modules/{id}/stop", "module.stop", "Stop it; answered when it is gone").parts(ID).query(DRY),
    post("/modules/{id}/restart", "module.restart", "Stop and start it").parts(ID).query(DRY),
    post("/modules/{id}/swap", "module.swap", "Put its present file in the place of its running code")
        .parts(ID),
    post("/modules/{id}/promote", "zone.promote", "Move it to the stable zone").parts(ID),
    post("/modules/{id}/approve", "module.approve", "Approve what its manifest asks for")
        .parts(ID)
        .query(DRY),
    post("/modules/{id}/update", "module.update", "Replace its folder")
        .parts(ID)
        .query(DRY)
        .body(&["moduleDir", "dryRun"]),
    post("/install", "module.install", "Copy or link a folder into the home").query(DRY).body(&[
        "moduleDir",
        "symlink",
        "dryRun",
    ]),
    post("/run", "module.run", "Run one more command").body(&["moduleId", "module", "cwd"]),
    get("/modules/{id}", "module.uninstall", "Stop it and remove its folder")
        .method(Method::Delete)
        .parts(ID)
        .query(DRY),
    post("/modules/{id}/remove", "module.remove", "Stop and forget a command that was added by `/run`")
        .parts(ID),
];

static UPDATES: &[Route] = &[
    get("/updates", "update", "The versions of every module, and what is on its way").verb("list"),
    get("/updates/status", "update", "Transactions on their way").verb("status"),
    get("/updates/history", "update", "Transactions that ended, the oldest first").verb("history"),
    post("/updates/plan", "update", "What packages would change, for whom, and what stands in the way")
        .verb("plan")
        .body(&["file", "also", "way"]),
    post("/updates", "update", "Make modules new by packages, together; undone if one is worse")
        .verb("apply")
        .body(&["file", "also", "way", "approve"]),
    post("/updates/{transaction}/go", "update", "Go on with a transaction that waits")
        .verb("go")
        .parts(&[("transaction", "transaction")])
        .body(&["approve"]),
    post("/updates/gc", "update", "Remove what no slot, pin or transaction needs").verb("gc"),
    post("/modules/{id}/rollback", "update", "Go back to the version before").verb("roll-back").parts(ID),
    post("/snapshots", "snapshot", "Keep what modules and kernel remember at one moment")
        .verb("create")
        .body(&["label"]),
    post("/snapshots/{number}/restore", "snapshot", "Put states back; modules that run are started anew")
        .verb("restore")
        .parts(&[("number", "number")])
        .body(&["modules"]),
    get("/pins/{name}", "update", "Keep a module's active version under a name")
        .method(Method::Put)
        .verb("pin")
        .parts(NAME)
        .body(&["moduleId"]),
    get("/pins/{name}", "update", "Keep it no longer").method(Method::Delete).verb("unpin").parts(NAME),
];

static SEEING: &[Route] = &[
    get("/modules/{id}/why", "why", "Its story, from the journal")
        .parts(ID)
        .query(&[asked("limit", Kind::Number)]),
    get("/logs", "logs", "What modules said").query(&[
        asked("modules", Kind::List),
        asked("lines", Kind::Number),
        asked("sinceMs", Kind::Number),
        asked("grep", Kind::Text),
        asked("generation", Kind::Number),
    ]),
    get("/journal", "journal", "What was decided, oldest first").query(&[
        asked("limit", Kind::Number),
        asked("module", Kind::Text),
        asked("code", Kind::Text),
        asked("before", Kind::Number),
    ]),
    get("/permissions", "permissions.list", "What is approved, wished for and refused")
        .query(&[asked("module", Kind::Text)])
        .wrap("modules"),
    get("/permissions/pending", "permissions.pending", "The wishes that wait for an answer").wrap("requests"),
    get("/usage", "usage", "What every module uses, now"),
    get("/config", "config", "Every value of the configuration with its origin").verb("list"),
    get("/config/{key}", "config", "Set a value, checked before it is written and taken over at once")
        .method(Method::Put)
        .verb("set")
        .parts(&[("key", "key")])
        .body(&["value"]),
    get("/config/{key}", "config", "Take back what was set")
        .method(Method::Delete)
        .verb("unset")
        .parts(&[("key", "key")]),
    get("/actors", "actors", "The actors of the kernel's process")
        .query(&[asked("intervalMs", Kind::WaitMs(ACTORS_WAIT_MS_MAX))]),
    get("/functions", "fn.list", "All functions").wrap("functions"),
    get("/function-cache", "fn.stats", "What the function cache has done"),
    get("/context", "context.list", "The context variables, without their values")
        .query(&[asked("scope", Kind::Text)]),
    get("/context/{scope}/{key}", "context.get", "One context variable").parts(VARIABLE),
];

static TALKING: &[Route] = &[
    Route {
        body: CHANGE,
        ..post("/permissions/grant", "permissions.grant", "Approve a wish, or these permissions")
    },
    Route {
        body: CHANGE,
        ..post("/permissions/deny", "permissions.deny", "Refuse a wish, or these permissions")
    },
    Route {
        body: CHANGE,
        ..post("/permissions/revoke", "permissions.revoke", "Take back what was approved later")
    },
    get("/context/{scope}/{key}", "context.set", "Keep a context variable")
        .method(Method::Put)
        .parts(VARIABLE)
        .body(&["value", "ttlMs"]),
    get("/context/{scope}/{key}", "context.delete", "Remove a context variable")
        .method(Method::Delete)
        .parts(VARIABLE),
    // `file` is not taken: it would have the kernel read a file for somebody who may not.
    get("/functions/{name}", "fn.put", "Check, compile and keep a function")
        .method(Method::Put)
        .parts(NAME)
        .body(&["source", "permissions"]),
    post("/functions/{name}/run", "fn.run", "Run a function")
        .parts(NAME)
        .body(&["input", "timeoutMs"])
        .wrap("result"),
    get("/functions/{name}", "fn.rm", "Forget a function").method(Method::Delete).parts(NAME),
    post("/call", "call", "Call a service")
        .body(&["service", "method", "params", "timeoutMs"])
        .wrap("result"),
    post("/publish", "publish", "Send a message on a topic").body(&["topic", "payload"]),
];
