//! Python values to JSON and back, with a limit of depth both ways.

use std::fmt;

use nanobanana::error::InvalidOption;
use nanobanana::{Error, Kind};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Value};

use crate::error::raise;

/// A Python object, or what was raised instead.
pub type Object<'py> = PyResult<Bound<'py, PyAny>>;

/// How deep a caller's options may nest; a dict that holds itself ends here.
const DEPTH: usize = 100;
/// A reply may nest as deep as the core allows, inside of the records around it.
const DEPTH_OUT: usize = DEPTH + 10;

/// Where a value stands, for messages: its key below another value.
struct Spot<'a> {
    above: Option<&'a Spot<'a>>,
    key: &'a str,
    depth: usize,
}

const TOP: Spot<'_> = Spot { above: None, key: "", depth: 0 };

impl fmt::Display for Spot<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            // The first levels say which value is meant; a hundred would only fill the screen.
            Some(above) if self.depth > 5 => above.fmt(out),
            Some(above) if above.depth > 0 => write!(out, "{above}.{}", self.key),
            _ => out.write_str(self.key),
        }
    }
}

impl<'a> Spot<'a> {
    fn below(&'a self, key: &'a str) -> Self {
        Spot { above: Some(self), key, depth: self.depth + 1 }
    }

    fn invalid(&self, problem: impl fmt::Display) -> PyErr {
        raise(invalid(&self.to_string(), problem))
    }
}

/// An `InvalidOptionError` about this option.
pub fn invalid(option: &str, problem: impl fmt::Display) -> Error {
    Error::invalid_option(format!("option `{option}` {problem}"), InvalidOption::of(option))
}

/// The name of a value's type, as a message shows it.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().fully_qualified_name().map_or_else(|_| "unknown".to_owned(), |name| name.to_string())
}

/// A caller's dict as a JSON map.
pub fn options(options: &Bound<'_, PyDict>) -> PyResult<Map<String, Value>> {
    to_map(options, &TOP)
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
        return to_map(dict, at).map(Value::Object);
    }
    if let Some(plain) = scalar(value)? {
        return to_json(&plain, &Spot { depth: at.depth + 1, ..*at });
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return (value.try_iter()?.enumerate())
            .map(|(index, item)| to_json(&item?, &at.below(&index.to_string())))
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
        return to_map(dict.cast::<PyDict>()?, at).map(Value::Object);
    }
    let name = type_name(value);
    Err(at.invalid(format!(
        "holds a value of type {name}; options take None, bool, int, float, str, list, tuple, dict and paths"
    )))
}

/// Python's own value of a scalar of an array library (NumPy, PyTorch, JAX), whatever its width.
fn scalar<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_instance_of::<PyInt>() || !(value.hasattr("dtype")? && value.hasattr("item")?) {
        return Ok(None);
    }
    let is_one = value.getattr("shape").and_then(|shape| shape.len()).is_ok_and(|dimensions| dimensions == 0);
    if !is_one {
        return Ok(None);
    }
    let plain = value.call_method0("item")?;
    // NumPy's widest floats have no value of Python's own, and give themselves.
    if plain.hasattr("dtype")? {
        return value.py().get_type::<PyFloat>().call1((value,)).map(Some);
    }
    Ok(Some(plain))
}

fn to_map(dict: &Bound<'_, PyDict>, at: &Spot<'_>) -> PyResult<Map<String, Value>> {
    // `items` is a copy: converting a value can run Python code, which could change the dict.
    (dict.items().iter())
        .map(|item| {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let key = (key.cast::<PyString>().ok())
                .and_then(|key| key.to_str().ok())
                .ok_or_else(|| at.invalid(format!("has the key {key:?}; keys are texts")))?;
            // A name on disk may be no text.
            let is_path =
                key == "path" && (value.is_instance_of::<PyString>() || value.hasattr("__fspath__")?);
            let value = match is_path {
                true => nanobanana::door::path_json(&value.extract::<std::path::PathBuf>()?),
                false => to_json(&value, &at.below(key))?,
            };
            Ok((key.to_owned(), value))
        })
        .collect()
}

/// A JSON value as Python's own dict, list, str, int, float, bool or None; `depth` is 0 at its top.
pub fn to_python<'py>(py: Python<'py>, value: &Value, depth: usize) -> Object<'py> {
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
            let items =
                values.iter().map(|value| to_python(py, value, depth + 1)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(map) if map.len() == 1 && map.contains_key(nanobanana::door::PATH_BYTES) => {
            nanobanana::door::path_of_json(value)
                .unwrap_or_default()
                .into_os_string()
                .into_pyobject(py)?
                .into_any()
        }
        Value::Object(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, to_python(py, value, depth + 1)?)?;
            }
            dict.into_any()
        }
    })
}
