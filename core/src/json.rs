//! tmp
use serde_json::{Map, Value};
/// tmp
pub(crate) fn merge(into: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (k, v) in extra { match (into.get_mut(k), v) { (Some(Value::Object(a)), Value::Object(b)) => merge(a, b), _ => { into.insert(k.clone(), v.clone()); } } }
}
/// tmp
#[derive(Debug)]
pub(crate) struct Cut { pub text: String, pub pictures: Vec<bytes::Bytes> }
impl Cut { pub fn value(&self) -> Result<Value, crate::error::Error> { Ok(serde_json::from_str(&self.text).unwrap_or_default()) } }
