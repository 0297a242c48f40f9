//! Invariant 2, end to end: whatever strikes while a body is under way, a store never takes for
//! whole what no verdict has let pass.
//!
//! A [`case`] is one upload; a [`trial`] sends it from a raw [`client`] through the real service,
//! behind a real hyper connection, to a recording [`store`], lets one fault strike, and gives the
//! [`oracle`] all that could be seen. The faults: [`cut`] drops the service or the client's connection
//! after its k-th poll, and panics at the k-th place, for every k; [`gone`] lets the client vanish
//! after so many bytes; [`early`] lets the store answer before the body's end; [`after`] looks behind
//! the commit point; [`feed`] takes the body's source away under a connection that is driven on, and
//! shows that the oracle finds a naive body out.
//!
//! [`pictures`] is about something else: what evidence comes of the pictures in an upload.

mod after;
mod case;
mod client;
mod cut;
mod early;
mod feed;
mod gone;
mod oracle;
mod pictures;
mod store;
mod trial;
