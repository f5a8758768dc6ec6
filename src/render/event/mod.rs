//! What happens while a command runs, for readers.

mod narrate;
mod print;
mod view;

pub use narrate::{FORMAT_VERSION, Narrator};
pub use print::{report_text, text};
pub use view::{EventLine, EventView, MadeView, OutcomeView, ReportView, ThingView};
