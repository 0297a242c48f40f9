//! Places on the data path where tests let a fault strike. Outside tests they are nothing.

#[cfg(test)]
pub(super) use armed::{arm, disarm, point};

/// Marks a place on the data path.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn point(_name: &'static str) {}

#[cfg(test)]
mod armed {
    use std::cell::RefCell;

    thread_local! {
        /// A test drives one request at a time on its own thread.
        static PLAN: RefCell<Plan> = const { RefCell::new(Plan { passed: Vec::new(), panic_at: None }) };
    }

    struct Plan {
        passed: Vec<&'static str>,
        panic_at: Option<usize>,
    }

    /// From here on, places are noted; at the one with this number, counted from 0, a panic strikes.
    pub fn arm(panic_at: Option<usize>) {
        PLAN.set(Plan { passed: Vec::new(), panic_at });
    }

    /// The places that were passed since, in order. No fault strikes any more.
    pub fn disarm() -> Vec<&'static str> {
        PLAN.replace(Plan { passed: Vec::new(), panic_at: None }).passed
    }

    /// Marks a place on the data path.
    pub fn point(name: &'static str) {
        let strikes = PLAN.with_borrow_mut(|plan| {
            plan.passed.push(name);
            plan.panic_at == Some(plan.passed.len() - 1)
        });
        if strikes {
            // A panic as any other, but for the hook that would print thousands of them.
            std::panic::resume_unwind(Box::new(name));
        }
    }
}
