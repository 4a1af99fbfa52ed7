//! An area that is in no collector, for tests: a signal for every form of measure. The rules and
//! `check` are held against each other on it as on the real ones.

use std::time::Duration;

use super::{
    Area, Catalogue, Default, Direction, Histogram, Hold, Kind, Label, Many, Match, Measure,
    Metric, Read, Row, Sentence, Signal,
};
use super::{Table, TableEntry, Unit, level, metrics};

/// A row that is never made: the tests make its samples themselves.
pub(crate) enum Thing {}

metrics! { Thing {
    labels { id = |_thing| "", kind = |_thing| "" }
    /// A level.
    gauge example_used_bytes = |_thing| 0.0;
    /// What a level is divided by.
    gauge example_limit_bytes = |_thing| 0.0;
    /// Counts.
    counter example_errors_total = |_thing| 0.0;
    /// What a count is divided by.
    counter example_requests_total = |_thing| 0.0;
    /// The same under an established name.
    established example_requests = |_thing| 0.0;
    /// Conditions, 1 or 0.
    gauge example_condition {condition} = |_thing| Vec::<(&str, f64)>::new();
} }

/// Conditions of the whole target.
pub(crate) enum Whole {}

metrics! { Whole {
    labels {}
    /// Whether it is being changed, 1 or 0.
    gauge example_deploying = |_whole| 0.0;
} }

/// A row with labels that its table does not know.
pub(crate) struct Tagged {
    pub(crate) id: String,
    pub(crate) more: Vec<(String, String)>,
}

impl Row for Tagged {
    const TABLE: &'static Table<Self> = &Table {
        labels: &[Label { name: "id", read: |row| &row.id }],
        metrics: &[
            Metric {
                name: "example_tagged",
                help: "One series.",
                kind: Kind::Gauge,
                extra: None,
                requirements: &[],
                read: Read::Values(|_, give| give("", 1.0)),
            },
            Metric {
                name: "example_tagged_states",
                help: "One series a state.",
                kind: Kind::Gauge,
                extra: Some("state"),
                requirements: &[],
                read: Read::Values(|_, give| give("up", 1.0)),
            },
        ],
    };

    fn more_labels(&self) -> &[(String, String)] {
        &self.more
    }
}

/// A row with a histogram.
pub(crate) struct Timed {
    pub(crate) path: &'static str,
    pub(crate) seen: Option<Histogram>,
}

metrics! { Timed {
    labels { path = |timed| timed.path }
    /// How long it took.
    histogram example_duration_seconds = |timed| timed.seen.as_ref();
} }

/// A catalogue of rows that can be made.
pub(crate) static TIMED: Catalogue = Catalogue::new(&[&TIMED_AREA]);
static TIMED_AREA: Area = Area {
    name: "timed",
    title: "Timed",
    single: false,
    in_service: false,
    tables: &[TableEntry::of::<Timed>()],
    signals: &[],
    glance: &[],
    reasons: &[],
    words: &[],
    runbook: "",
};

const fn signal(
    name: &'static str,
    alert: &'static str,
    measure: &Measure,
    direction: Direction,
    hold: u64,
) -> Signal {
    Signal {
        name,
        alert,
        measure: *measure,
        direction,
        unit: Unit::Count,
        warning: Default::ours(50.0, "a number"),
        critical: match direction {
            Direction::Above => Default::ours(90.5, "a larger one"),
            Direction::Below => Default::ours(10.5, "a smaller one"),
        },
        advice: None,
        hold: Hold::both(Duration::from_mins(hold)),
        item: &[],
        requirements: &[],
        title: Sentence::new("{id}[ ({kind})] is wrong"),
        many: Many::at_once("{count} examples are wrong", "{id}[ ({kind})]", "look {id}"),
        clear: Sentence::new("{id} is well again"),
        what: "The thing",
        hint: "mend it",
        next: Sentence::new("look"),
    }
}

const BY_OTHER: &[Match] = &[Match::is("condition", &["starting", "stopping"])];
const OTHER_KIND: &[Match] = &[Match::is("kind", &["odd"])];

const SIGNALS: &[Signal] = &[
    signal(
        "unless_level",
        "ExampleUnlessLevel",
        &level("example_used_bytes").unless("example_condition", BY_OTHER, &["id"]),
        Direction::Above,
        5,
    ),
    signal(
        "unless_whole",
        "ExampleUnlessWhole",
        &level("example_used_bytes").select(OTHER_KIND).unless("example_deploying", &[], &[]),
        Direction::Below,
        0,
    ),
    signal(
        "unless_quotient",
        "ExampleUnlessQuotient",
        &level("example_used_bytes").sum_by(&["id"]).per("example_limit_bytes", &["id"]).unless(
            "example_condition",
            BY_OTHER,
            &["id"],
        ),
        Direction::Above,
        5,
    ),
    signal(
        "unless_increase",
        "ExampleUnlessIncrease",
        &level("example_errors_total").select(OTHER_KIND).increase().unless(
            "example_condition",
            BY_OTHER,
            &["id", "kind"],
        ),
        Direction::Above,
        5,
    ),
    signal(
        "rate_per_rate",
        "ExampleRatePerRate",
        &level("example_errors_total").rate().per("example_requests_total", &["id", "kind"]),
        Direction::Above,
        5,
    ),
    signal(
        "increase_per_increase",
        "ExampleIncreasePerIncrease",
        &level("example_errors_total").increase().sum_by(&["id"]).per("example_requests", &["id"]),
        Direction::Below,
        0,
    ),
    signal(
        "predict_level",
        "ExamplePredictLevel",
        &level("example_used_bytes").select(OTHER_KIND).predict(),
        Direction::Above,
        30,
    ),
    signal(
        "predict_fall",
        "ExamplePredictFall",
        &level("example_used_bytes").predict(),
        Direction::Below,
        0,
    ),
    Signal {
        unit: Unit::Ratio,
        warning: Default::ours(0.8, "a number"),
        critical: Default::ours(0.9, "a larger one"),
        ..signal(
            "predict_quotient",
            "ExamplePredictQuotient",
            &level("example_used_bytes")
                .predict()
                .sum_by(&["id"])
                .per("example_limit_bytes", &["id"])
                .unless("example_deploying", &[], &[]),
            Direction::Above,
            60,
        )
    },
    Signal {
        unit: Unit::Seconds,
        warning: Default::ours(7200.0, "a number"),
        critical: Default::ours(3600.0, "a smaller one"),
        ..signal(
            "predict_seconds",
            "ExamplePredictSeconds",
            &level("example_used_bytes").predict(),
            Direction::Below,
            15,
        )
    },
];

pub(crate) static AREA: Area = Area {
    name: "example",
    title: "Example",
    single: false,
    in_service: false,
    tables: &[TableEntry::of::<Thing>(), TableEntry::of::<Whole>(), TableEntry::of::<Tagged>()],
    signals: SIGNALS,
    glance: &[],
    reasons: &[],
    words: &[],
    runbook: "",
};

pub(crate) static CATALOGUE: Catalogue = Catalogue::new(&[&AREA]);

/// A signal as plain as can be, to be changed.
pub(crate) fn plain() -> Signal {
    signal("plain", "ExamplePlain", &level("example_used_bytes"), Direction::Above, 5)
}

/// An area with one signal.
pub(crate) fn single(signal: Signal) -> &'static Area {
    Box::leak(Box::new(Area {
        name: "example",
        title: "Example",
        single: false,
        in_service: false,
        reasons: &[],
        words: &[],
        tables: AREA.tables,
        signals: Box::leak(Box::new([signal])),
        glance: &[],
        runbook: "",
    }))
}
