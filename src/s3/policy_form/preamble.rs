//! What stands before a form's file, gathered.

use std::ops::Range;

use bytes::Bytes;

use super::error::PolicyError;
use super::head::{FormHead, HeadField};
use crate::framing::{Boundary, FormData, FormError, FormEvent};

/// Most bytes before the file's data, its own header included. AWS allows fields of 20 kB; a policy
/// for temporary credentials takes 4.
pub const PREAMBLE_MAX: usize = 64 * 1024;

/// Gathers a form up to the empty line before its file's data.
#[derive(Clone, Debug)]
pub struct Preamble {
    boundary: Boundary,
    decoder: FormData,
    /// What has come; no more than `PREAMBLE_MAX`.
    bytes: Vec<u8>,
    marks: Marks,
}

/// What the decoder has reported.
#[derive(Clone, Debug, Default)]
struct Marks {
    /// How many bytes have been reported.
    at: usize,
    /// Where the value of each field lies.
    values: Vec<Range<usize>>,
    /// Where the file's data begins.
    file: Option<usize>,
}

impl Preamble {
    /// At the start of a form.
    pub fn new(boundary: &Boundary) -> Self {
        Preamble {
            boundary: boundary.clone(),
            decoder: FormData::new(boundary),
            bytes: Vec::new(),
            marks: Marks::default(),
        }
    }

    /// Reads the next bytes of the form; gives its head once the file's data begins in them.
    /// Nothing is to be pushed behind that: what is left of the input is in the head, and all
    /// further bytes are nobody's business here.
    ///
    /// # Errors
    /// [`PolicyError::Form`] or [`PolicyError::PreambleTooLarge`].
    pub fn push(&mut self, input: &Bytes) -> Result<Option<FormHead>, PolicyError> {
        let before = self.bytes.len();
        let read = &input[..input.len().min(PREAMBLE_MAX - before)];
        self.bytes.extend_from_slice(read);
        let Preamble { decoder, marks, .. } = self;
        let decoded = decoder.push(read, &mut |event| marks.take(event));
        if let Some(end) = self.marks.file.take() {
            return Ok(Some(self.head(end, input.slice(end - before..))));
        }
        decoded?;
        match read.len() == input.len() {
            true => Ok(None),
            false => Err(PolicyError::PreambleTooLarge),
        }
    }

    /// To be called if the form ends before its file has begun: why it is no form.
    pub fn finish(&self) -> PolicyError {
        self.decoder.finish().err().unwrap_or(FormError::FileMissing).into()
    }

    fn head(&mut self, end: usize, rest: Bytes) -> FormHead {
        self.bytes.truncate(end);
        let delimiter = self.boundary.as_str().len() + "--\r\n".len();
        let opening = if self.bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let mut start = opening + delimiter;
        // Fields that already came behind the file, in this very push, have no mark.
        let fields = self.decoder.form().fields().iter().zip(&self.marks.values);
        let fields = fields.map(|(field, value)| {
            let part = start..value.end + "\r\n".len() + delimiter;
            start = part.end;
            HeadField { name: field.name.clone(), value: value.clone(), part }
        });
        let fields = fields.collect();
        let form = self.decoder.form().clone();
        let bytes = std::mem::take(&mut self.bytes);
        FormHead { boundary: self.boundary.clone(), bytes, fields, form, rest }
    }
}

impl Marks {
    fn take(&mut self, event: FormEvent<'_>) {
        if self.file.is_some() {
            return;
        }
        match event {
            FormEvent::Framing(len) => self.at += len,
            FormEvent::Begin(part) if part.is_file() => self.file = Some(self.at),
            FormEvent::Begin(_) => self.values.push(self.at..self.at),
            FormEvent::Payload(bytes) => self.at += bytes.len(),
            FormEvent::End => {
                if let Some(value) = self.values.last_mut() {
                    value.end = self.at;
                }
            }
        }
    }
}
