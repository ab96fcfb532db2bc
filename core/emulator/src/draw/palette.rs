//! The colours of a picture: a light, a first hue, and the others by a rule of harmony, all in OKLCH,
//! where equal steps look equal.

use super::Dice;
use crate::canvas::Rgb;

/// A colour by lightness (0 to 1), chroma (0 to about 0.3) and hue in degrees. What no screen shows is made
/// paler until it can be shown.
pub(super) fn oklch(lightness: f32, chroma: f32, hue: f32) -> Rgb {
    let (sin, cos) = hue.to_radians().sin_cos();
    let mut chroma = chroma;
    for _ in 0..12 {
        let linear = linear(lightness, chroma * cos, chroma * sin);
        if linear.iter().all(|value| (-0.002..=1.002).contains(value)) {
            break;
        }
        chroma *= 0.88;
    }
    linear(lightness, chroma * cos, chroma * sin).map(|value| (encoded(value) * 255.0 + 0.5) as u8)
}

fn linear(l: f32, a: f32, b: f32) -> [f32; 3] {
    let cube = |value: f32| value * value * value;
    let long = cube(l + 0.396_337_78 * a + 0.215_803_76 * b);
    let middle = cube(l - 0.105_561_346 * a - 0.063_854_17 * b);
    let short = cube(l - 0.089_484_18 * a - 1.291_485_5 * b);
    [
        4.076_741_7 * long - 3.307_711_6 * middle + 0.230_969_93 * short,
        -1.268_438 * long + 2.609_757_4 * middle - 0.341_319_4 * short,
        -0.004_196_086 * long - 0.703_418_6 * middle + 1.707_614_7 * short,
    ]
}

fn encoded(value: f32) -> f32 {
    let value = value.clamp(0.0, 1.0);
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

/// The hour and the weather.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) enum Light {
    #[default]
    Day,
    Dawn,
    Dusk,
    Night,
    Mist,
    Storm,
}

/// The colours of one picture.
#[derive(Clone)]
pub(super) struct Palette {
    pub light: Light,
    /// Whether the accent is a colour that was asked for.
    pub is_wished: bool,
    /// The sky from the top to the horizon.
    pub sky: [Rgb; 4],
    pub sun: Rgb,
    pub cloud: Rgb,
    pub far: Rgb,
    pub near: Rgb,
    pub water: Rgb,
    /// For what is to be seen first, and beside it.
    pub accent: Rgb,
    pub second: Rgb,
    pub third: Rgb,
    pub pale: Rgb,
    pub dark: Rgb,
}

impl Palette {
    pub fn new(light: Light, wish: Option<f32>, wished_land: Option<f32>, dice: &mut Dice) -> Self {
        // The other hues, in degrees from the first: analogous, complementary, split, triad.
        let (one, two) = dice.pick(&[(34.0, -34.0), (180.0, 28.0), (152.0, 208.0), (120.0, 240.0)]);
        let turn = |dice: &mut Dice, low: f32, high: f32| dice.between(low, high);
        let base = match light {
            Light::Dusk => turn(dice, 262.0, 312.0),
            Light::Dawn => turn(dice, 225.0, 285.0),
            Light::Night => turn(dice, 240.0, 295.0),
            Light::Storm => turn(dice, 200.0, 290.0),
            // The sky of a day is mostly cool, and sometimes of any colour.
            _ if dice.next() % 10 < 7 => turn(dice, 195.0, 268.0),
            _ => turn(dice, 0.0, 360.0),
        };
        let warm = turn(dice, 42.0, 82.0);
        let (second, third) = (base + one, base + two);
        // Land is green as often as it is in harmony with the sky.
        let land = if dice.next().is_multiple_of(2) { turn(dice, 118.0, 165.0) } else { third };
        let land = wished_land.unwrap_or(land);
        let lift = turn(dice, -0.03, 0.03);
        let c = |l: f32, chroma: f32, hue: f32| oklch(l + lift, chroma, hue);
        let (sky, sun, cloud, far, near) = match light {
            Light::Day => (
                [
                    c(0.62, 0.13, base),
                    c(0.74, 0.105, base - 8.0),
                    c(0.87, 0.06, base - 16.0),
                    c(0.95, 0.045, warm + 20.0),
                ],
                c(0.97, 0.07, 95.0),
                c(0.98, 0.012, warm),
                c(0.74, 0.06, base * 0.4 + land * 0.6),
                c(0.36, 0.085, land),
            ),
            Light::Dawn => (
                [
                    c(0.66, 0.1, base),
                    c(0.8, 0.075, base + 45.0),
                    c(0.89, 0.08, warm - 30.0),
                    c(0.95, 0.07, warm + 20.0),
                ],
                c(0.98, 0.06, warm + 24.0),
                c(0.93, 0.05, warm - 30.0),
                c(0.76, 0.06, base + 20.0),
                c(0.38, 0.07, base - 10.0),
            ),
            Light::Dusk => (
                [
                    c(0.33, 0.12, base),
                    c(0.5, 0.15, base + 32.0),
                    c(0.7, 0.165, warm - 28.0),
                    c(0.87, 0.13, warm + 14.0),
                ],
                c(0.96, 0.09, warm + 22.0),
                c(0.66, 0.14, base + 70.0),
                c(0.55, 0.11, base + 38.0),
                c(0.2, 0.06, base),
            ),
            Light::Night => (
                [
                    c(0.14, 0.05, base),
                    c(0.21, 0.075, base),
                    c(0.3, 0.095, base + 8.0),
                    c(0.42, 0.1, base + 18.0),
                ],
                c(0.95, 0.03, 96.0),
                c(0.36, 0.06, base + 10.0),
                c(0.33, 0.075, base + 10.0),
                c(0.1, 0.035, base),
            ),
            Light::Mist => (
                [c(0.8, 0.035, base), c(0.86, 0.03, base), c(0.9, 0.028, base + 20.0), c(0.93, 0.03, warm)],
                c(0.98, 0.03, 90.0),
                c(0.95, 0.012, base),
                c(0.82, 0.03, base),
                c(0.42, 0.05, land),
            ),
            Light::Storm => (
                [c(0.24, 0.03, base), c(0.36, 0.04, base), c(0.5, 0.045, base), c(0.72, 0.06, warm + 30.0)],
                c(0.88, 0.06, 96.0),
                c(0.5, 0.025, base),
                c(0.46, 0.045, base),
                c(0.17, 0.035, land),
            ),
        };
        let is_dark = matches!(light, Light::Night | Light::Storm);
        let bright = if is_dark { 0.62 } else { 0.68 };
        let water = match light {
            Light::Night => c(0.2, 0.07, base - 12.0),
            Light::Dusk => c(0.36, 0.11, base + 10.0),
            Light::Storm => c(0.32, 0.045, base - 10.0),
            _ => c(0.52, 0.1, (base * 0.5 + 215.0 * 0.5).clamp(170.0, 270.0)),
        };
        // A colour that is asked for takes the first place; the rest stay in harmony with it.
        let (first, second, third) = match wish {
            Some(hue) => (hue, hue + one, hue + two),
            None => (second, third, base + 60.0),
        };
        Palette {
            light,
            is_wished: wish.is_some(),
            sky,
            sun,
            cloud,
            far,
            near,
            water,
            accent: c(bright - 0.06, 0.19, first),
            second: c(bright + 0.04, 0.15, second),
            third: c(bright - 0.12, 0.12, third),
            pale: c(0.95, 0.025, warm + 10.0),
            dark: c(0.22, 0.045, base),
        }
    }
}
