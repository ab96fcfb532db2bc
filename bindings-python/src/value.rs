//! Python values to JSON and back, with a limit of depth both ways.

use std::fmt;

use nanobanana::{Error, Kind};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Value};

use crate::error::raise;

/// How deep a caller's options may nest; a dict that holds itself ends here.
const DEPTH: usize = 100;
/// A reply may nest as deep as the core allows, inside of the records around it.
const DEPTH_OUT: usize = DEPTH + 10;

/// Where a value stands, for messages.
struct Spot<'a> {
    above: Option<&'a Spot<'a>>,
    key: &'a str,
    depth: usize,
}

impl fmt::Display for Spot<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            // The first levels say which value is meant; a hundred would only fill the screen.
            Some(above) if self.depth > 5 => above.fmt(out),
            Some(above) => write!(out, "{above}.{}", self.key),
            None => out.write_str(self.key),
        }
    }
}

impl Spot<'_> {
    fn invalid(&self, problem: impl fmt::Display) -> PyErr {
        raise(invalid(&self.to_string(), problem))
    }

    fn invalid_type(&self, value: &Bound<'_, PyAny>) -> PyErr {
        let name = type_name(value);
        self.invalid(format!(
            "holds a value of type {name}; options take None, bool, int, float, str, list, tuple, dict and paths"
        ))
    }
}

/// An `InvalidOptionError` about this option.
pub fn invalid(option: &str, problem: impl fmt::Display) -> Error {
    Error::new(Kind::InvalidOptionError, format!("option `{option}` {problem}"))
        .with("option", option.to_owned())
}

/// The name of a value's type, as a message shows it.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().fully_qualified_name().map_or_else(|_| "unknown".to_owned(), |name| name.to_string())
}

/// A caller's options as a JSON map; `None` is "not set" and left out.
pub fn options(options: &Bound<'_, PyDict>) -> PyResult<Map<String, Value>> {
    let mut map = Map::new();
    for (key, value) in options.iter() {
        if !value.is_none() {
            let key: String = key.extract()?;
            let value = to_json(&value, &Spot { above: None, key: &key, depth: 1 })?;
            map.insert(key, value);
        }
    }
    Ok(map)
}

/// A list of values as JSON.
pub fn list(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    match to_json(values, &Spot { above: None, key: name, depth: 1 })? {
        Value::Array(values) => Ok(values),
        _ => Err(raise(invalid(name, format!("takes a list, not {}", type_name(values))))),
    }
}

fn to_json(value: &Bound<'_, PyAny>, at: &Spot<'_>) -> PyResult<Value> {
    if at.depth > DEPTH {
        return Err(at.invalid(format!("nests deeper than {DEPTH} levels, or holds itself")));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().into());
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().map_err(|_| at.invalid("holds a text that is not valid Unicode"))?;
        return Ok(text.into());
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        return serde_json::Number::from_f64(float.value())
            .map(Value::Number)
            .ok_or_else(|| at.invalid(format!("is {}; it takes a finite number", float.value())));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return to_map(dict, at);
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return (value.try_iter()?.enumerate())
            .map(|(index, item)| {
                let key = index.to_string();
                to_json(&item?, &Spot { above: Some(at), key: &key, depth: at.depth + 1 })
            })
            .collect();
    }
    // NumPy's whole numbers are no `int`, but convert.
    if value.is_instance_of::<PyInt>() || value.hasattr("__index__")? {
        return match (value.extract::<i64>(), value.extract::<u64>()) {
            (Ok(whole), _) => Ok(whole.into()),
            (_, Ok(whole)) => Ok(whole.into()),
            _ => Err(at.invalid("is a whole number of more than 64 bits")),
        };
    }
    if value.hasattr("__fspath__")? {
        let path: std::path::PathBuf = value.extract()?;
        return Ok(path.to_str().ok_or_else(|| at.invalid("is a path that is not valid Unicode"))?.into());
    }
    // Timeout, Retry, and every other mapping.
    if value.hasattr("keys")? {
        let dict = value.py().get_type::<PyDict>().call1((value,))?;
        return to_map(dict.cast::<PyDict>()?, at);
    }
    Err(at.invalid_type(value))
}

fn to_map(dict: &Bound<'_, PyDict>, at: &Spot<'_>) -> PyResult<Value> {
    // `items` is a copy: converting a value can run Python code, which could change the dict.
    (dict.items().iter())
        .map(|item| {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let key = (key.cast::<PyString>().ok())
                .and_then(|key| key.to_str().ok())
                .ok_or_else(|| at.invalid(format!("has the key {key:?}; keys are texts")))?;
            let value = to_json(&value, &Spot { above: Some(at), key, depth: at.depth + 1 })?;
            Ok((key.to_owned(), value))
        })
        .collect::<PyResult<Map<_, _>>>()
        .map(Value::Object)
}

/// A JSON value as Python's own dict, list, str, int, float, bool or None.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    down(py, value, 0)
}

fn down<'py>(py: Python<'py>, value: &Value, depth: usize) -> PyResult<Bound<'py, PyAny>> {
    if depth > DEPTH_OUT {
        let problem = format!("the reply nests deeper than {DEPTH} levels");
        return Err(raise(Error::new(Kind::ResponseError, problem)));
    }
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into_pyobject(py)?.into_any(),
            (_, Some(whole)) => whole.into_pyobject(py)?.into_any(),
            _ => number.as_f64().unwrap_or(f64::NAN).into_pyobject(py)?.into_any(),
        },
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(down(py, value, depth + 1)?)?;
            }
            list.into_any()
        }
        Value::Object(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, down(py, value, depth + 1)?)?;
            }
            dict.into_any()
        }
    })
}
