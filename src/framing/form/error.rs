//! What can be wrong with a form.

macro_rules! form_errors {
    ($($(#[doc = $doc:literal])+ $name:ident, $label:literal, $message:literal;)+) => {
        /// Why a form is refused; one variant per fault of the sender.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum FormError {
            $($(#[doc = $doc])+ #[error($message)] $name,)+
        }

        impl FormError {
            /// Every variant, in order.
            pub const ALL: &'static [FormError] = &[$(FormError::$name,)+];

            /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
            pub const fn label(self) -> &'static str {
                match self { $(FormError::$name => $label,)+ }
            }
        }
    };
}

form_errors! {
    /// A Content-Type that is not `multipart/form-data` with well-formed parameters.
    ContentType, "form_content_type", "the Content-Type is not multipart/form-data";
    /// No boundary, or one that RFC 2046 does not allow.
    Boundary, "form_boundary", "the boundary is missing or malformed";
    /// Something other than one empty line before the first boundary.
    Preamble, "form_preamble", "the form does not begin with its boundary";
    /// A boundary followed by neither CRLF nor `--`.
    Delimiter, "form_delimiter", "a boundary line is malformed";
    /// `--` and the boundary where no delimiter can be: not at the start of a line, or in a part's
    /// header.
    BoundaryInside, "form_boundary_inside", "a part contains the boundary";
    /// A CR without its LF or an LF without its CR in a part's header.
    LineEnd, "form_line_end", "CRLF is missing in a part's header";
    /// A header line of a part is malformed, continued on the next line, or there twice.
    Header, "form_header", "a part's header is malformed";
    /// A part's header is larger than the bound.
    HeadTooLarge, "form_head_too_large", "a part's header is too large";
    /// A Content-Disposition that is missing, malformed, or without a name.
    Disposition, "form_disposition", "a part's Content-Disposition is malformed";
    /// A parameter of RFC 2231 in a place where some servers read it and some don't.
    Extended, "form_extended_parameter", "a parameter has an extended name";
    /// A Content-Transfer-Encoding that changes bytes.
    TransferEncoding, "form_transfer_encoding", "a part's bytes are encoded";
    /// A part that says it is a form or a list of files itself.
    Nested, "form_nested", "a part is multipart itself";
    /// More parts than the bound.
    TooManyParts, "form_parts", "the form has too many parts";
    /// A field other than the file, or all of them together, is larger than the bound.
    FieldTooLarge, "form_field_too_large", "a field is too large";
    /// A field that is there twice: stores take the first, the last, or join them.
    FieldTwice, "form_field_twice", "a field came twice";
    /// More than one file: AWS refuses them, some stores join them into one object.
    FileTwice, "form_file_twice", "the form has more than one file";
    /// No file.
    FileMissing, "form_file_missing", "the form has no file";
    /// Bytes after the last boundary.
    AfterEnd, "form_bytes_after_end", "there are bytes after the last boundary";
    /// The body ended before its last boundary.
    TooShort, "form_too_short", "the form ended too early";
    /// A key made from a file name about which stores disagree.
    Filename, "form_filename", "the file name is ambiguous";
    /// A fan-out list that is no sequence of JSON objects with a key each.
    FanOut, "form_fan_out", "the fan-out list is malformed";
}
