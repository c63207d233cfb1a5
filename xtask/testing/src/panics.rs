//! Panics on purpose.

use std::panic::{set_hook, take_hook};
use std::sync::Once;

/// Has the panic hook say nothing of panics whose text begins with "as told". Others are reported as ever.
pub fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            if !text.is_some_and(|text| text.starts_with("as told")) {
                before(info);
            }
        }));
    });
}
