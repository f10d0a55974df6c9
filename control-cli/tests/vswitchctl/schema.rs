//! JSON Schema, as far as docs/schemas use it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A schema, as it stands in a file.
pub(crate) struct JsonSchema(Value);

/// The fields of an object that a schema has spoken of.
type Named = BTreeSet<String>;

impl JsonSchema {
    pub(crate) fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Does a value fit? Fields that the schema does not name are refused:
    /// whoever reads an answer must let them pass, but here they are forgotten
    /// documentation.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        self.closed(&self.0, value, "$")
    }

    fn closed(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        let named = self.open(schema, value, path)?;
        let fields = value.as_object().into_iter().flat_map(Map::keys);
        match fields.into_iter().find(|field| !named.contains(*field)) {
            Some(field) => Err(format!("{path}: field {field} is not in the schema")),
            None => Ok(()),
        }
    }

    fn open(&self, schema: &Value, value: &Value, path: &str) -> Result<Named, String> {
        let mut named = Named::new();
        let Value::Object(rules) = schema else {
            assert_eq!(schema, &Value::Bool(true), "{path}: no schema");
            return Ok(named);
        };
        for (keyword, rule) in rules {
            let fits = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "format" => true,
                "type" => several(rule).any(|kind| is(value, kind.as_str().unwrap())),
                "const" => rule == value,
                "enum" => several(rule).any(|one| one == value),
                "minimum" => value.as_f64().is_none_or(|n| Some(n) >= rule.as_f64()),
                "maximum" => value.as_f64().is_none_or(|n| Some(n) <= rule.as_f64()),
                "required" => several(rule).all(|name| value.get(name.as_str().unwrap()).is_some()),
                "items" => {
                    for (index, item) in several(value).enumerate() {
                        self.closed(rule, item, &format!("{path}[{index}]"))?;
                    }
                    true
                }
                "properties" => {
                    for (name, rule) in rule.as_object().unwrap() {
                        if let Some(field) = value.get(name) {
                            self.closed(rule, field, &format!("{path}.{name}"))?;
                        }
                        named.insert(name.clone());
                    }
                    true
                }
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    named.extend(self.open(self.0.pointer(pointer).unwrap(), value, path)?);
                    true
                }
                "anyOf" | "oneOf" => {
                    let fitting: Vec<Named> = several(rule)
                        .filter_map(|choice| self.open(choice, value, path).ok())
                        .collect();
                    let enough = !fitting.is_empty();
                    let too_many = keyword == "oneOf" && fitting.len() > 1;
                    named.extend(fitting.into_iter().next().unwrap_or_default());
                    enough && !too_many
                }
                other => panic!("{path}: the keyword {other} is new here"),
            };
            if !fits {
                return Err(format!("{path}: {value} does not fit {keyword}: {rule}"));
            }
        }
        Ok(named)
    }
}

/// The values of an array, or the one value that stands for an array.
fn several(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(several) => several.iter(),
        one => core::slice::from_ref(one).iter(),
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let schema = JsonSchema::new(
        r##"{
            "type": "object",
            "properties": { "n": { "$ref": "#/$defs/n" } },
            "required": ["n"],
            "anyOf": [
                { "properties": { "a": { "type": "string" } }, "required": ["a"] },
                { "type": "object" }
            ],
            "$defs": { "n": { "type": ["integer", "null"], "minimum": 0 } }
        }"##,
    );
    let fits = |text: &str| schema.check(&serde_json::from_str(text).unwrap()).is_ok();
    assert!(fits(r#"{"n": null}"#) && fits(r#"{"n": 1}"#) && fits(r#"{"n": 1, "a": "x"}"#));
    assert!(!fits(r#"{}"#), "a field is missing");
    assert!(!fits(r#"{"n": -1}"#) && !fits(r#"{"n": "1"}"#));
    assert!(!fits(r#"{"n": 1, "b": 2}"#), "b is not named");
    assert!(!fits(r#"{"n": 1, "a": 2}"#), "a is no text");
    assert!(!fits("[]"));
}
