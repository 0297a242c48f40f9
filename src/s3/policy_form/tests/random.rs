//! Random forms, rewritten and read again with the naive decoder.

use proptest::prelude::*;

use super::*;
use crate::framing::naive_form::{NaivePart, naive_form_data};
use crate::s3::policy_form::is_about_signer;

fn parts(form: &[u8]) -> Vec<NaivePart> {
    naive_form_data("B", form).unwrap()
}

fn others(form: &[u8]) -> Vec<NaivePart> {
    parts(form).into_iter().filter(|part| !is_about_signer(&part.name)).collect()
}

proptest! {
    /// Whatever stands in a form and wherever: rewritten, it has the same fields but for the
    /// signer's, and holds under the gate's key; and a byte that is changed in a field makes it
    /// another form to the gate.
    #[test]
    fn a_rewritten_form_is_the_same_form_under_another_key(
        values in prop::collection::vec("[ -~é\r\n-]{0,20}", 0..5),
        turned in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        changed in (any::<prop::sample::Index>(), 1..=255u8),
    ) {
        prop_assume!(values.iter().all(|value| !value.contains("--B")));
        let names: Vec<String> = (0..values.len()).map(|i| format!("x-amz-meta-{i}")).collect();
        let pairs = names.iter().zip(&values).map(|(n, v)| (n.as_str(), v.as_str()));
        let pairs: Vec<_> = pairs.chain([("key", "user/${filename}")]).collect();
        let conditions = |(name, value): (&String, &String)| {
            format!(", {}", serde_json::json!({ name.as_str(): value }))
        };
        let conditions: String = names.iter().zip(&values).map(conditions).collect();
        let mut fields = signed(&pairs, &policy(&conditions));
        let middle = turned.index(fields.len());
        fields.rotate_left(middle);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let form = form(&fields);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(form.len() + 1)).collect();
        cuts.extend([0, form.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &form[cut[0]..cut[1]]).collect();
        let Outcome { out, grown, end, .. } = run(&terms(), &client(), &identity(), &pieces);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(grown, Some(out.len() as i64 - form.len() as i64));
        prop_assert_eq!(others(&out), others(&form));
        prop_assert_eq!(parts(&out).len(), parts(&form).len());
        let store = FormTerms { region: Some("garage".to_owned()), ..terms() };
        prop_assert_eq!(run(&store, &identity(), &identity(), &[&out]).end, Ok(()));

        // Another byte before the file: another form, or no form; of what goes through only the key
        // may differ, of which the policy says no more than how it starts.
        let mut damaged = form.clone();
        let file = form.len() - b"the file\r\n--\r\n--B--\r\n".len();
        let at = changed.0.index(file);
        damaged[at] ^= changed.1;
        let Outcome { out, end, .. } = run(&terms(), &client(), &identity(), &[&damaged]);
        if end.is_ok() {
            let (read, was) = (others(&out), others(&form));
            let same = |(a, b): (&NaivePart, &NaivePart)| {
                (a.payload == b.payload || a.name == "key") && a.name.eq_ignore_ascii_case(&b.name)
            };
            prop_assert!(read.len() == was.len() && read.iter().zip(&was).all(same));
        }
    }
}
