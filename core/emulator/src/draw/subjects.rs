//! What a picture is of, when the prompt says one of a few simple words: each is drawn by hand, in its own
//! measures, in the light of the scene.

use super::board::Brush;
use super::palette::Palette;
use super::{Dice, Words};
use crate::canvas::{Paint, Rgb, mix};
use crate::outline::{Outline, Spot};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Subject {
    Banana,
    BananaBoat,
    Boat,
    Cat,
    Robot,
    Portrait,
    Lighthouse,
    House,
    Rocket,
    Balloon,
    Flowers,
    Cactus,
    Tree,
    Cup,
    Fish,
    Bird,
    Apple,
}

impl Subject {
    /// The first of these that the prompt names.
    pub fn of(words: &Words) -> Option<Self> {
        use Subject::*;
        if words.say(&["banana*"]) {
            return Some(if words.say(&["boat*", "sail*", "ship*", "yacht*"]) { BananaBoat } else { Banana });
        }
        let known: &[(Subject, &[&str])] = &[
            (Robot, &["robot*", "android*", "cyborg*", "droid*"]),
            (Cat, &["cat", "cats", "kitten*", "kitty"]),
            (Rocket, &["rocket*", "spaceship*", "spacecraft*", "shuttle"]),
            (Lighthouse, &["lighthouse*", "beacon*"]),
            (Boat, &["boat*", "sail*", "ship*", "yacht*", "regatta"]),
            (Balloon, &["balloon*", "airship*", "zeppelin*"]),
            (
                Portrait,
                &[
                    "portrait*",
                    "face*",
                    "woman",
                    "man",
                    "girl",
                    "boy",
                    "person",
                    "selfie",
                    "lady",
                    "astronaut*",
                    "child",
                    "mia",
                    "queen",
                    "king",
                ],
            ),
            (House, &["house*", "cottage*", "cabin*", "hut", "home", "farm*", "barn*"]),
            (Cactus, &["cactus*", "cacti"]),
            (Cup, &["cup*", "coffee*", "tea", "mug*", "espresso", "cappuccino", "latte"]),
            (Apple, &["apple*", "fruit*", "orange", "oranges", "peach*", "pear", "still"]),
            (Fish, &["fish*", "goldfish*", "shark*", "whale*", "aquarium"]),
            (Bird, &["bird*", "robin*", "sparrow*", "parrot*", "finch*", "owl*"]),
            (Flowers, &["flower*", "rose*", "tulip*", "bouquet*", "blossom*", "poppy", "poppies", "daisy"]),
            (Tree, &["tree*", "oak*", "willow*"]),
        ];
        known.iter().find(|(_, names)| words.say(names)).map(|(subject, _)| *subject)
    }

    pub fn draw(self, brush: &mut Brush, p: &Palette, dice: &mut Dice) {
        match self {
            Subject::Banana => banana(brush),
            Subject::BananaBoat => {
                brush.at.1 -= brush.size * 0.3;
                sails(brush, p);
                brush.at.1 += brush.size * 0.12;
                banana(brush);
            }
            Subject::Boat => {
                sails(brush, p);
                hull(brush, p);
            }
            Subject::Cat => cat(brush, p, dice),
            Subject::Robot => robot(brush, p),
            Subject::Portrait => portrait(brush, p, dice),
            Subject::Lighthouse => lighthouse(brush, p),
            Subject::House => house(brush, p),
            Subject::Rocket => rocket(brush, p),
            Subject::Balloon => balloon(brush, p),
            Subject::Flowers => flowers(brush, p, dice),
            Subject::Cactus => cactus(brush, p),
            Subject::Tree => tree(brush, mix(p.near, p.far, 90), dice),
            Subject::Cup => cup(brush, p),
            Subject::Fish => fish(brush, p),
            Subject::Bird => bird(brush, p),
            Subject::Apple => apple(brush, p),
        }
    }
}

fn darker(colour: Rgb, share: u32) -> Rgb {
    mix(colour, [14, 12, 34], share)
}

fn lighter(colour: Rgb, share: u32) -> Rgb {
    mix(colour, [255, 252, 240], share)
}

/// It lies on its back; its middle is the place.
fn banana(brush: &mut Brush) {
    let body = Outline::default()
        .from(-1.0, -0.42)
        .curve((-0.78, 0.52), (0.5, 0.78), (1.02, -0.3))
        .curve((1.0, -0.38), (0.93, -0.4), (0.9, -0.36))
        .curve((0.5, 0.16), (-0.4, 0.12), (-0.86, -0.5));
    brush.fill(body, Paint::down([255, 226, 92], [246, 190, 34]));
    let belly = Outline::default().from(-1.0, -0.42).curve((-0.78, 0.52), (0.5, 0.78), (1.02, -0.3)).curve(
        (0.52, 0.5),
        (-0.5, 0.36),
        (-1.0, -0.42),
    );
    brush.fill(belly, Paint::down([240, 186, 36], [206, 138, 22]).fade(250, 255));
    let ridge = Outline::default().from(-0.9, -0.4).curve((-0.4, 0.36), (0.42, 0.36), (0.94, -0.28)).curve(
        (0.42, 0.29),
        (-0.38, 0.28),
        (-0.9, -0.4),
    );
    brush.fill(ridge, Paint::flat([222, 168, 34]).alpha(200));
    let shine = Outline::default().from(-0.78, -0.34).curve((-0.4, 0.16), (0.3, 0.24), (0.7, -0.06)).curve(
        (0.3, 0.16),
        (-0.34, 0.09),
        (-0.78, -0.34),
    );
    brush.fill(shine, Paint::flat([255, 246, 182]).alpha(230));
    let stem = Outline::default()
        .from(-1.0, -0.42)
        .line(-1.09, -0.68)
        .line(-0.96, -0.73)
        .line(-0.86, -0.5)
        .curve((-0.9, -0.42), (-0.95, -0.38), (-1.0, -0.42));
    brush.fill(stem, Paint::down([122, 98, 40], [196, 170, 52]));
    let tip = Outline::default().from(1.02, -0.3).curve((1.06, -0.38), (0.96, -0.44), (0.9, -0.36)).curve(
        (0.93, -0.3),
        (0.97, -0.27),
        (1.02, -0.3),
    );
    brush.fill(tip, Paint::flat([84, 62, 38]));
    for (x, y, r) in [(-0.3, 0.16, 0.022), (0.12, 0.22, 0.03), (0.4, 0.14, 0.018), (-0.55, -0.02, 0.016)] {
        brush.oval((x, y), (r * 1.8, r), Paint::flat([150, 104, 36]).alpha(170));
    }
}

fn sails(brush: &mut Brush, p: &Palette) {
    brush.line(&[(0.0, -1.82), (0.0, 0.05)], 0.05, darker([120, 84, 56], 60));
    let main = Outline::default().from(0.05, -1.74).curve((0.5, -1.24), (0.78, -0.66), (0.8, -0.22)).curve(
        (0.5, -0.16),
        (0.3, -0.16),
        (0.05, -0.2),
    );
    brush.fill(main, Paint::across(lighter(p.pale, 120), mix(p.pale, p.far, 80)));
    let jib = Outline::default()
        .from(-0.05, -1.52)
        .curve((-0.22, -1.0), (-0.5, -0.55), (-0.74, -0.26))
        .curve((-0.5, -0.2), (-0.3, -0.18), (-0.05, -0.24));
    brush.fill(jib, Paint::across(p.accent, lighter(p.accent, 60)));
    for (from, to) in [((0.06, -1.2), (0.56, -1.06)), ((0.06, -0.8), (0.7, -0.68))] {
        brush.line(&[from, to], 0.012, mix(p.pale, p.far, 150));
    }
    let flag = Outline::default()
        .from(0.0, -1.82)
        .curve((0.1, -1.9), (0.2, -1.74), (0.32, -1.8))
        .line(0.3, -1.68)
        .curve((0.2, -1.64), (0.1, -1.78), (0.0, -1.7));
    brush.fill(flag, Paint::flat(p.second));
}

fn hull(brush: &mut Brush, p: &Palette) {
    let hull = Outline::default()
        .from(-0.98, -0.1)
        .curve((-0.4, -0.04), (0.4, -0.04), (1.06, -0.16))
        .curve((0.9, 0.2), (0.6, 0.34), (0.2, 0.34))
        .line(-0.42, 0.34)
        .curve((-0.74, 0.34), (-0.9, 0.14), (-0.98, -0.1));
    let wood = darker(p.second, 70);
    brush.fill(hull, Paint::down(lighter(wood, 40), darker(wood, 90)));
    let band = Outline::default()
        .from(-0.95, -0.03)
        .curve((-0.4, 0.04), (0.4, 0.04), (1.0, -0.07))
        .line(0.97, 0.0)
        .curve((0.4, 0.11), (-0.4, 0.11), (-0.92, 0.04));
    brush.fill(band, Paint::flat(p.pale).alpha(230));
}

fn cat(brush: &mut Brush, p: &Palette, dice: &mut Dice) {
    let coat = dice.pick(&[[206, 124, 60], [84, 82, 96], [232, 218, 198], [58, 52, 60], [176, 140, 108]]);
    let (shade, light) = (darker(coat, 90), lighter(coat, 60));
    brush.shadow(1.0);
    let tail = [(0.5, -0.12), (0.95, -0.14), (1.12, -0.5), (0.94, -0.86), (1.08, -1.02)];
    brush.line(&bent(&tail), 0.17, shade);
    let body = Outline::smooth(&[
        (-0.2, -1.12),
        (0.2, -1.12),
        (0.5, -0.62),
        (0.62, -0.2),
        (0.4, 0.02),
        (0.0, 0.03),
        (-0.4, 0.02),
        (-0.62, -0.2),
        (-0.48, -0.62),
    ]);
    brush.fill(body, Paint::ball(light, shade));
    brush.oval((0.0, -0.56), (0.24, 0.36), Paint::down(lighter(coat, 150), lighter(coat, 90)).alpha(190));
    for side in [-1.0, 1.0] {
        brush.fill(
            Outline::smooth(&[
                (side * 0.12, -0.52),
                (side * 0.28, -0.5),
                (side * 0.3, -0.1),
                (side * 0.32, 0.03),
                (side * 0.06, 0.03),
                (side * 0.1, -0.1),
            ]),
            Paint::down(coat, light),
        );
        let ear = Outline::default()
            .from(side * 0.16, -1.66)
            .curve((side * 0.24, -1.9), (side * 0.4, -2.04), (side * 0.5, -2.1))
            .curve((side * 0.56, -1.9), (side * 0.56, -1.6), (side * 0.48, -1.42));
        brush.fill(ear, Paint::down(shade, coat));
        let inner = Outline::polygon(&[(side * 0.28, -1.68), (side * 0.45, -1.92), (side * 0.46, -1.58)]);
        brush.fill(inner, Paint::flat([226, 150, 146]).alpha(210));
    }
    let head = Outline::smooth(&[
        (0.0, -1.8),
        (0.34, -1.74),
        (0.56, -1.5),
        (0.54, -1.24),
        (0.3, -1.02),
        (0.0, -0.96),
        (-0.3, -1.02),
        (-0.54, -1.24),
        (-0.56, -1.5),
        (-0.34, -1.74),
    ]);
    brush.fill(head, Paint::ball(light, mix(coat, shade, 100)));
    for side in [-1.0, 1.0] {
        for step in [-1.0f32, 0.0, 1.0] {
            brush.fill(
                Outline::polygon(&[
                    (step * 0.12 - 0.03, -1.78 + step.abs() * 0.03),
                    (step * 0.12 + 0.03, -1.78 + step.abs() * 0.03),
                    (step * 0.1, -1.56),
                ]),
                Paint::flat(shade).alpha(70),
            );
        }
        brush.oval((side * 0.24, -1.4), (0.13, 0.125), Paint::flat([28, 24, 30]));
        brush.oval((side * 0.24, -1.4), (0.112, 0.108), Paint::ball(lighter(p.second, 110), p.second));
        brush.oval((side * 0.235, -1.4), (0.04, 0.1), Paint::flat([16, 14, 22]));
        brush.oval((side * 0.24 - 0.035, -1.44), (0.026, 0.026), Paint::flat([255; 3]));
        brush.oval((side * 0.11, -1.14), (0.13, 0.1), Paint::flat(lighter(coat, 150)).alpha(230));
        for tilt in [-0.06, 0.0, 0.06] {
            brush.line(
                &[(side * 0.2, -1.15 + tilt * 0.4), (side * 0.74, -1.18 + tilt * 1.8)],
                0.012,
                lighter(coat, 190),
            );
        }
    }
    let nose = Outline::polygon(&[(-0.06, -1.25), (0.06, -1.25), (0.0, -1.18)]);
    brush.fill(nose, Paint::flat([206, 112, 118]));
    brush.line(
        &bent(&[(-0.12, -1.1), (-0.05, -1.08), (0.0, -1.17), (0.05, -1.08), (0.12, -1.1)]),
        0.016,
        shade,
    );
}

/// A line through these points without corners.
fn bent(points: &[Spot]) -> Vec<Spot> {
    let count = points.len();
    let at = |index: usize| points.get(index.min(count.saturating_sub(1))).copied().unwrap_or_default();
    let mut line = Vec::with_capacity(count * 8);
    for index in 0..count.saturating_sub(1) {
        let (before, from, to, after) =
            (at(index.saturating_sub(1)), at(index), at(index + 1), at(index + 2));
        for step in 0..8 {
            let t = step as f32 / 8.0;
            let along = |a: f32, b: f32, c: f32, d: f32| {
                0.5 * (2.0 * b
                    + (c - a) * t
                    + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
                    + (3.0 * b - a - 3.0 * c + d) * t * t * t)
            };
            line.push((along(before.0, from.0, to.0, after.0), along(before.1, from.1, to.1, after.1)));
        }
    }
    line.extend(points.last());
    line
}

fn robot(brush: &mut Brush, p: &Palette) {
    let metal = mix([188, 196, 210], p.accent, 60);
    let (light, shade) = (lighter(metal, 110), darker(metal, 110));
    let eye = lighter(p.second, 70);
    brush.shadow(0.9);
    for side in [-1.0, 1.0] {
        brush.line(&[(side * 0.24, -0.5), (side * 0.26, -0.08)], 0.14, shade);
        brush.fill(
            Outline::card((side * 0.28 - 0.2, -0.14, side * 0.28 + 0.2, 0.02), 0.08),
            Paint::down(metal, shade),
        );
        let arm = [(side * 0.54, -1.1), (side * 0.84, -0.86), (side * 0.8, -0.56)];
        brush.line(&bent(&arm), 0.12, shade);
        brush.oval((side * 0.54, -1.1), (0.13, 0.13), Paint::ball(light, shade));
        brush.oval(
            (side * 0.8, -0.5),
            (0.13, 0.13),
            Paint::ball(lighter(p.accent, 60), darker(p.accent, 60)),
        );
    }
    brush.fill(Outline::card((-0.52, -1.22, 0.52, -0.4), 0.18), Paint::across(light, mix(metal, shade, 170)));
    brush.fill(Outline::card((-0.32, -1.06, 0.32, -0.66), 0.08), Paint::down(darker(p.dark, 40), p.dark));
    for (x, colour) in [(-0.18, p.accent), (0.0, p.second), (0.18, p.third)] {
        brush.oval((x, -0.92), (0.055, 0.055), Paint::ball(lighter(colour, 130), colour));
    }
    brush.line(
        &[(-0.22, -0.76), (-0.1, -0.76), (-0.04, -0.82), (0.02, -0.7), (0.08, -0.76), (0.22, -0.76)],
        0.022,
        eye,
    );
    brush.line(&[(0.0, -1.3), (0.0, -1.2)], 0.24, shade);
    brush.line(&[(0.0, -2.1), (0.0, -1.92)], 0.04, shade);
    brush.glow((0.0, -2.14), (0.3, 0.3), p.accent, 140.0);
    brush.oval((0.0, -2.14), (0.075, 0.075), Paint::ball(lighter(p.accent, 140), p.accent));
    for side in [-1.0, 1.0] {
        brush.fill(
            Outline::card((side * 0.56 - 0.07, -1.72, side * 0.56 + 0.07, -1.48), 0.05),
            Paint::down(p.accent, darker(p.accent, 70)),
        );
    }
    brush
        .fill(Outline::card((-0.54, -1.94, 0.54, -1.26), 0.24), Paint::across(light, mix(metal, shade, 150)));
    brush.fill(Outline::card((-0.42, -1.8, 0.42, -1.42), 0.17), Paint::down(darker(p.dark, 80), p.dark));
    for side in [-1.0, 1.0] {
        brush.glow((side * 0.2, -1.62), (0.24, 0.24), eye, 150.0);
        brush.oval((side * 0.2, -1.62), (0.1, 0.1), Paint::ball(lighter(eye, 200), eye));
    }
    brush.line(&bent(&[(-0.12, -1.37), (0.0, -1.33), (0.12, -1.37)]), 0.03, shade);
}

fn portrait(brush: &mut Brush, p: &Palette, dice: &mut Dice) {
    let skin = dice.pick(&[[238, 194, 162], [206, 148, 110], [150, 98, 68], [98, 64, 48], [246, 212, 188]]);
    let hair = dice.pick(&[[42, 30, 34], [96, 58, 36], [186, 132, 70], [150, 62, 40], [70, 66, 76]]);
    let (shade, blush) = (darker(skin, 60), mix(skin, [224, 96, 90], 80));
    let is_long = dice.next().is_multiple_of(2);
    if is_long {
        let back = Outline::smooth(&[
            (0.0, -2.02),
            (0.5, -1.86),
            (0.72, -1.36),
            (0.7, -0.8),
            (0.82, -0.4),
            (0.3, -0.3),
            (-0.3, -0.3),
            (-0.82, -0.4),
            (-0.7, -0.8),
            (-0.72, -1.36),
            (-0.5, -1.86),
        ]);
        brush.fill(back, Paint::down(lighter(hair, 24), darker(hair, 60)));
    }
    let bust = Outline::default()
        .from(-1.1, 0.06)
        .curve((-1.08, -0.4), (-0.7, -0.5), (-0.3, -0.6))
        .line(0.3, -0.6)
        .curve((0.7, -0.5), (1.08, -0.4), (1.1, 0.06));
    brush.fill(bust, Paint::across(lighter(p.accent, 30), darker(p.accent, 60)));
    let neck = Outline::default()
        .from(-0.2, -1.0)
        .line(0.2, -1.0)
        .curve((0.2, -0.7), (0.24, -0.62), (0.34, -0.57))
        .curve((0.16, -0.36), (-0.16, -0.36), (-0.34, -0.57))
        .curve((-0.24, -0.62), (-0.2, -0.7), (-0.2, -1.0));
    brush.fill(neck, Paint::down(darker(skin, 84), shade));
    for side in [-1.0, 1.0] {
        brush.oval((side * 0.5, -1.3), (0.09, 0.14), Paint::flat(shade));
    }
    let face = Outline::smooth(&[
        (0.0, -1.9),
        (0.36, -1.8),
        (0.5, -1.44),
        (0.45, -1.1),
        (0.26, -0.84),
        (0.0, -0.74),
        (-0.26, -0.84),
        (-0.45, -1.1),
        (-0.5, -1.44),
        (-0.36, -1.8),
    ]);
    brush.fill(face, Paint::ball_from(0.34, 0.4, lighter(skin, 40), mix(skin, shade, 200)));
    for side in [-1.0, 1.0] {
        brush.oval((side * 0.29, -1.1), (0.13, 0.09), Paint::flat(blush).alpha(90));
        brush.oval((side * 0.2, -1.32), (0.1, 0.056), Paint::flat([250, 248, 244]));
        brush.oval((side * 0.2, -1.32), (0.05, 0.054), Paint::ball(p.third, darker(p.third, 150)));
        brush.oval((side * 0.2 - 0.014, -1.34), (0.014, 0.014), Paint::flat([255; 3]));
        let lid = bent(&[(side * 0.09, -1.32), (side * 0.2, -1.385), (side * 0.31, -1.33)]);
        brush.line(&lid, 0.022, darker(hair, 80));
        let brow = bent(&[(side * 0.1, -1.45), (side * 0.2, -1.49), (side * 0.33, -1.45)]);
        brush.line(&brow, 0.034, hair);
    }
    brush.line(&bent(&[(0.02, -1.28), (0.06, -1.13), (0.0, -1.1), (-0.04, -1.11)]), 0.022, shade);
    let mouth = Outline::default()
        .from(-0.15, -0.975)
        .curve((-0.06, -1.02), (-0.03, -1.01), (0.0, -0.995))
        .curve((0.03, -1.01), (0.06, -1.02), (0.15, -0.975))
        .curve((0.07, -0.9), (-0.07, -0.9), (-0.15, -0.975));
    brush.fill(mouth, Paint::down([188, 84, 84], [214, 112, 108]).fade(250, 255));
    let fringe = if is_long {
        Outline::default()
            .from(-0.56, -1.2)
            .curve((-0.66, -1.9), (-0.3, -2.08), (0.04, -2.06))
            .curve((0.5, -2.04), (0.68, -1.7), (0.56, -1.2))
            .curve((0.5, -1.5), (0.4, -1.66), (0.14, -1.8))
            .curve((-0.1, -1.66), (-0.44, -1.6), (-0.56, -1.2))
    } else {
        Outline::default()
            .from(-0.54, -1.34)
            .curve((-0.66, -1.86), (-0.4, -2.14), (0.06, -2.1))
            .curve((0.52, -2.1), (0.64, -1.74), (0.54, -1.34))
            .curve((0.5, -1.5), (0.46, -1.62), (0.34, -1.7))
            .curve((0.0, -1.62), (-0.3, -1.7), (-0.4, -1.66))
            .curve((-0.46, -1.58), (-0.5, -1.46), (-0.54, -1.34))
    };
    brush.fill(fringe, Paint::across(lighter(hair, 50), darker(hair, 30)));
    brush.line(&bent(&[(-0.3, -0.56), (0.0, -0.38), (0.3, -0.56)]), 0.05, darker(p.accent, 90));
}

fn house(brush: &mut Brush, p: &Palette) {
    let wall = mix(p.pale, p.accent, 14);
    let roof = darker(p.accent, 20);
    let is_dark = brush.tint.1 > 40;
    let pane = if is_dark { [255, 214, 120] } else { mix([176, 208, 226], p.dark, 70) };
    brush.shadow(1.3);
    brush.fill(
        Outline::card((0.42, -1.62, 0.62, -1.0), 0.01),
        Paint::across(darker(roof, 30), darker(roof, 110)),
    );
    for (x, y, r) in [(0.52, -1.76, 0.1), (0.6, -1.96, 0.14), (0.74, -2.2, 0.19)] {
        brush.glow((x, y), (r * 1.5, r * 1.5), lighter(p.cloud, 90), 190.0);
    }
    let gable = Outline::polygon(&[(-0.86, 0.0), (-0.86, -0.78), (-0.42, -1.36), (0.02, -0.78), (0.02, 0.0)]);
    let side = Outline::polygon(&[(0.02, 0.0), (0.02, -0.78), (0.9, -0.78), (0.9, 0.0)]);
    brush.fill(side, Paint::down(darker(wall, 50), darker(wall, 76)));
    brush.fill(gable, Paint::down(lighter(wall, 90), wall));
    let slope = Outline::polygon(&[(-0.45, -1.44), (0.62, -1.44), (1.02, -0.72), (0.0, -0.72)]);
    brush.fill(slope, Paint::down(roof, darker(roof, 90)));
    for row in 1..5 {
        let t = row as f32 / 5.0;
        let y = -1.44 + 0.72 * t;
        brush.line(&[(-0.45 + 0.45 * t, y), (0.62 + 0.4 * t, y)], 0.012, darker(roof, 120));
    }
    brush.line(&[(-0.98, -0.72), (-0.44, -1.43), (0.02, -0.72)], 0.08, darker(roof, 70));
    let windows = [(0.2, -0.56, 0.16), (0.6, -0.56, 0.16), (-0.5, -1.02, 0.08)];
    for (x, y, half) in windows {
        if is_dark {
            brush.board.glow(
                (brush.at.0 + x * brush.size, brush.at.1 + (y + 0.08) * brush.size),
                (brush.size * 0.45, brush.size * 0.45),
                [255, 190, 90],
                110.0,
            );
        }
        let (light, share) = brush.tint;
        if is_dark {
            brush.tint = (light, 0);
        }
        let (wide, high) = (half, half * 1.15);
        brush.fill(
            Outline::card((x, y, x + wide * 1.3, y + high * 2.0), 0.01),
            Paint::down(lighter(pane, 60), pane),
        );
        brush.tint = (light, share);
        let frame = lighter(wall, 150);
        let (middle, low) = (x + wide * 0.65, y + high);
        brush.line(&[(middle, y), (middle, y + high * 2.0)], 0.02, frame);
        brush.line(&[(x, low), (x + wide * 1.3, low)], 0.02, frame);
    }
    brush.fill(
        Outline::card((-0.56, -0.52, -0.28, 0.0), 0.02),
        Paint::across(darker(p.second, 20), darker(p.second, 70)),
    );
    brush.oval((-0.33, -0.25), (0.022, 0.022), Paint::flat([246, 222, 140]));
    for (x, r) in [(-1.02, 0.2), (-0.86, 0.15), (0.98, 0.22), (1.2, 0.16)] {
        let green = mix(p.near, p.far, 110);
        brush.oval((x, -r * 0.7), (r, r * 0.8), Paint::ball(lighter(green, 50), darker(green, 40)));
    }
}

fn lighthouse(brush: &mut Brush, p: &Palette) {
    let red = p.accent;
    let beam = [255, 240, 176];
    let is_dark = brush.tint.1 > 40;
    if is_dark {
        for side in [-1.0, 1.0] {
            let ray = Outline::polygon(&[(0.0, -1.93), (side * 4.0, -2.6), (side * 4.0, -1.6)]);
            let paint = if side < 0.0 {
                Paint::across(beam, beam).fade(0, 130)
            } else {
                Paint::across(beam, beam).fade(130, 0)
            };
            brush.fill(ray, paint);
        }
    }
    let rock = darker(mix(p.near, p.far, 60), 30);
    brush.fill(
        Outline::smooth(&[
            (-1.2, 0.2),
            (-0.9, -0.12),
            (-0.4, -0.26),
            (0.3, -0.24),
            (0.8, -0.08),
            (1.3, 0.2),
            (0.0, 0.34),
        ]),
        Paint::down(lighter(rock, 40), darker(rock, 70)),
    );
    let at = |y: f32| 0.3 + (y + 1.7) * 0.085;
    let tower = Outline::polygon(&[(-0.3, -1.7), (0.3, -1.7), (at(-0.2), -0.18), (-at(-0.2), -0.18)]);
    brush.fill(tower, Paint::across(lighter(p.pale, 120), mix(p.pale, p.dark, 110)));
    for (top, bottom) in [(-1.45, -1.12), (-0.8, -0.46)] {
        let band =
            Outline::polygon(&[(-at(top), top), (at(top), top), (at(bottom), bottom), (-at(bottom), bottom)]);
        brush.fill(band, Paint::across(lighter(red, 40), darker(red, 100)));
    }
    brush.fill(Outline::card((-0.4, -1.78, 0.4, -1.68), 0.03), Paint::across(p.dark, darker(p.dark, 90)));
    brush.fill(Outline::card((-0.2, -2.04, 0.2, -1.78), 0.02), Paint::across(lighter(beam, 90), beam));
    brush.glow((0.0, -1.92), (0.8, 0.8), beam, if is_dark { 230.0 } else { 90.0 });
    brush.fill(
        Outline::default().from(-0.27, -2.04).curve((-0.2, -2.24), (0.2, -2.24), (0.27, -2.04)),
        Paint::across(lighter(red, 30), darker(red, 100)),
    );
    brush.line(&[(0.0, -2.2), (0.0, -2.34)], 0.03, p.dark);
    brush.fill(
        Outline::default()
            .from(-0.1, -0.2)
            .line(-0.1, -0.4)
            .curve((-0.1, -0.52), (0.1, -0.52), (0.1, -0.4))
            .line(0.1, -0.2),
        Paint::flat(darker(p.second, 90)),
    );
}

fn rocket(brush: &mut Brush, p: &Palette) {
    for (reach, colour, wide) in
        [(0.95, [255, 132, 46], 0.26), (0.68, [255, 206, 92], 0.17), (0.4, [255, 248, 214], 0.09)]
    {
        brush.glow((0.0, 0.1), (wide * 2.6, reach * 1.3), colour, 110.0);
        let flame = Outline::default()
            .from(-wide, -0.12)
            .curve((-wide * 1.1, reach * 0.4), (-wide * 0.2, reach * 0.7), (0.0, reach))
            .curve((wide * 0.2, reach * 0.7), (wide * 1.1, reach * 0.4), (wide, -0.12));
        brush.fill(flame, Paint::down(colour, mix(colour, [255, 90, 30], 120)).fade(250, 150));
    }
    for side in [-1.0, 1.0] {
        let fin = Outline::default()
            .from(side * 0.34, -0.95)
            .curve((side * 0.7, -0.75), (side * 0.82, -0.4), (side * 0.78, 0.06))
            .curve((side * 0.6, -0.14), (side * 0.5, -0.2), (side * 0.3, -0.22));
        brush.fill(fin, Paint::down(lighter(p.accent, 30), darker(p.accent, 80)));
    }
    brush.fill(Outline::card((-0.2, -0.2, 0.2, -0.06), 0.03), Paint::across([140, 146, 160], [60, 62, 78]));
    let body = Outline::default()
        .from(0.0, -2.1)
        .curve((0.34, -1.74), (0.48, -1.2), (0.42, -0.7))
        .curve((0.4, -0.46), (0.34, -0.3), (0.26, -0.17))
        .line(-0.26, -0.17)
        .curve((-0.34, -0.3), (-0.4, -0.46), (-0.42, -0.7))
        .curve((-0.48, -1.2), (-0.34, -1.74), (0.0, -2.1));
    brush.fill(body, Paint::across([252, 250, 246], [150, 154, 176]));
    let nose = Outline::default()
        .from(0.0, -2.1)
        .curve((0.17, -1.92), (0.27, -1.72), (0.34, -1.52))
        .curve((0.14, -1.44), (-0.14, -1.44), (-0.34, -1.52))
        .curve((-0.27, -1.72), (-0.17, -1.92), (0.0, -2.1));
    brush.fill(nose, Paint::across(lighter(p.accent, 50), darker(p.accent, 80)));
    brush.oval((0.0, -1.14), (0.23, 0.23), Paint::across([206, 210, 222], [110, 114, 136]));
    brush.oval((0.0, -1.14), (0.17, 0.17), Paint::ball(lighter(p.second, 150), darker(p.second, 110)));
    brush.fill(
        Outline::smooth(&[(-0.08, -0.5), (0.08, -0.5), (0.06, 0.02), (-0.06, 0.02)]),
        Paint::down(p.accent, darker(p.accent, 90)),
    );
}

/// Its middle is the place.
fn balloon(brush: &mut Brush, p: &Palette) {
    let half = |reach: f32| {
        Outline::default()
            .from(0.0, -1.3)
            .curve((reach * 1.32, -1.3), (reach * 1.24, -0.2), (reach * 0.2, 0.42))
            .line(0.0, 0.42)
    };
    let envelope = Outline::default()
        .from(0.0, -1.3)
        .curve((1.32, -1.3), (1.24, -0.2), (0.2, 0.42))
        .line(-0.2, 0.42)
        .curve((-1.24, -0.2), (-1.32, -1.3), (0.0, -1.3));
    let colours = [p.accent, p.pale, p.second];
    brush.fill(envelope, Paint::flat(p.accent));
    let reaches = [1.0f32, 0.72, 0.4, 0.12];
    for side in [-1.0, 1.0] {
        for (reach, colour) in reaches.iter().skip(1).zip(colours.iter().cycle().skip(1)) {
            brush.fill(half(side * reach), Paint::flat(*colour).alpha(255));
        }
    }
    let shade = Outline::default()
        .from(0.0, -1.3)
        .curve((1.32, -1.3), (1.24, -0.2), (0.2, 0.42))
        .line(-0.2, 0.42)
        .curve((-1.24, -0.2), (-1.32, -1.3), (0.0, -1.3));
    brush.fill(shade, Paint::ball_from(0.32, 0.3, [255, 250, 230], [20, 16, 50]).fade(0, 170));
    for x in [-0.16, 0.16] {
        brush.line(&[(x * 1.1, 0.42), (x, 0.72)], 0.016, darker([130, 96, 62], 60));
    }
    brush.fill(Outline::card((-0.2, 0.7, 0.2, 0.98), 0.05), Paint::down([168, 118, 70], [104, 66, 40]));
    brush.line(&[(-0.2, 0.74), (0.2, 0.74)], 0.035, [206, 160, 104]);
}

fn flowers(brush: &mut Brush, p: &Palette, dice: &mut Dice) {
    let green = mix(mix(p.near, [60, 140, 70], 130), p.far, 40);
    let colours = [p.accent, p.second, lighter(p.accent, 90)];
    let mut heads = Vec::new();
    for index in 0..7 {
        let lean = (index as f32 - 3.0) * 0.28 + dice.between(-0.07, 0.07);
        let high = -1.86 + (index as f32 - 3.0).abs() * 0.22 + dice.between(-0.14, 0.14);
        let stem = bent(&[(lean * 0.3, 0.0), (lean * 0.55, high * 0.5), (lean, high)]);
        brush.line(&stem, 0.036, darker(green, 30));
        let side = if index % 2 == 0 { 1.0 } else { -1.0 };
        let (x, y) = (lean * 0.55, high * 0.45);
        let leaf = Outline::default()
            .from(x, y)
            .curve((x + side * 0.1, y - 0.3), (x + side * 0.3, y - 0.34), (x + side * 0.36, y - 0.3))
            .curve((x + side * 0.32, y - 0.14), (x + side * 0.16, y), (x, y));
        brush.fill(leaf, Paint::down(lighter(green, 40), darker(green, 40)));
        heads.push((lean, high, dice.pick(&colours), dice.between(0.17, 0.25), dice.between(0.0, 1.0)));
    }
    for (x, y, colour, size, turn) in heads {
        for ring in [(7, 1.0, darker(colour, 40)), (7, 0.76, colour)] {
            let (count, reach, colour) = ring;
            for petal in 0..count {
                let angle = (petal as f32 + turn + reach * 0.5) / count as f32 * std::f32::consts::TAU;
                let petal = Outline::oval((0.62, 0.0), (0.46, 0.27)).placed(
                    angle,
                    (size * reach, size * reach),
                    x,
                    y,
                );
                brush.fill(petal, Paint::ball_from(0.5, 0.4, lighter(colour, 70), colour));
            }
        }
        brush.oval((x, y), (size * 0.3, size * 0.3), Paint::ball([255, 226, 120], [206, 140, 40]));
    }
}

fn cactus(brush: &mut Brush, p: &Palette) {
    let green = mix([70, 142, 92], p.near, 70);
    brush.shadow(0.7);
    for (side, low, high) in [(-1.0, -0.7, -1.3), (1.0, -0.95, -1.6)] {
        brush.line(
            &bent(&[(0.0, low), (side * 0.4, low), (side * 0.5, low - 0.15), (side * 0.5, high)]),
            0.22,
            darker(green, 50),
        );
        brush.oval((side * 0.5, high), (0.11, 0.12), Paint::ball(lighter(green, 30), darker(green, 50)));
    }
    brush.fill(
        Outline::card((-0.23, -1.9, 0.23, 0.02), 0.23),
        Paint::across(lighter(green, 50), darker(green, 90)),
    );
    for x in [-0.11, 0.0, 0.11] {
        brush.line(&[(x, -1.74), (x, -0.04)], 0.014, darker(green, 110));
    }
    for (x, y) in [(0.0, -1.92), (-0.5, -1.42), (0.5, -1.72)] {
        brush.oval((x, y), (0.09, 0.07), Paint::ball(lighter(p.accent, 100), p.accent));
    }
}

pub(super) fn tree(brush: &mut Brush, green: Rgb, dice: &mut Dice) {
    let bark = mix([94, 68, 52], green, 60);
    brush.shadow(0.9);
    let trunk = Outline::default()
        .from(-0.16, 0.02)
        .curve((-0.08, -0.3), (-0.1, -0.6), (-0.07, -1.0))
        .line(0.07, -1.0)
        .curve((0.1, -0.6), (0.08, -0.3), (0.18, 0.02));
    brush.fill(trunk, Paint::across(lighter(bark, 30), darker(bark, 90)));
    for side in [-1.0, 1.0] {
        brush.line(&bent(&[(0.0, -0.7), (side * 0.2, -0.95), (side * 0.44, -1.15)]), 0.06, darker(bark, 40));
    }
    let mut crowns: Vec<(f32, f32, f32)> = vec![
        (-0.46, -1.2, 0.4),
        (0.48, -1.18, 0.42),
        (0.0, -1.05, 0.44),
        (-0.26, -1.62, 0.44),
        (0.3, -1.6, 0.42),
        (0.02, -1.4, 0.5),
    ];
    for crown in &mut crowns {
        crown.0 += dice.between(-0.08, 0.08);
        crown.2 *= dice.between(0.88, 1.1);
    }
    for (step, (x, y, r)) in crowns.into_iter().enumerate() {
        let colour = mix(darker(green, 60), lighter(green, 30), step as u32 * 40);
        let leaves: Vec<Spot> = (0..11)
            .map(|corner| {
                let angle = corner as f32 / 11.0 * std::f32::consts::TAU;
                let far = r * dice.between(0.88, 1.1);
                (x + angle.cos() * far, y + angle.sin() * far * 0.86)
            })
            .collect();
        brush.fill(Outline::smooth(&leaves), Paint::ball(lighter(colour, 50), darker(colour, 60)));
    }
}

fn cup(brush: &mut Brush, p: &Palette) {
    brush.shadow(1.15);
    brush.oval((0.0, -0.03), (0.98, 0.16), Paint::down(lighter(p.pale, 100), mix(p.pale, p.dark, 90)));
    brush.oval((0.0, -0.06), (0.6, 0.08), Paint::flat(mix(p.pale, p.dark, 70)).alpha(180));
    brush.line(
        &bent(&[(0.6, -0.98), (0.94, -0.96), (0.98, -0.66), (0.8, -0.44), (0.5, -0.38)]),
        0.12,
        darker(p.accent, 40),
    );
    let body = Outline::default()
        .from(-0.7, -1.1)
        .curve((-0.7, -0.5), (-0.55, -0.12), (-0.3, -0.08))
        .line(0.3, -0.08)
        .curve((0.55, -0.12), (0.7, -0.5), (0.7, -1.1));
    brush.fill(body, Paint::across(lighter(p.accent, 90), darker(p.accent, 80)));
    brush.oval((0.0, -1.1), (0.7, 0.16), Paint::across(lighter(p.accent, 150), lighter(p.accent, 40)));
    brush.oval((0.0, -1.09), (0.61, 0.125), Paint::down([70, 40, 24], [120, 74, 42]));
    for (x, high) in [(-0.22, 0.0), (0.06, 0.12), (0.3, -0.04)] {
        let steam =
            bent(&[(x, -1.25), (x + 0.1, -1.45 - high), (x - 0.06, -1.68 - high), (x + 0.06, -1.94 - high)]);
        let points: Vec<Spot> =
            steam.iter().map(|(x, y)| (brush.at.0 + x * brush.size, brush.at.1 + y * brush.size)).collect();
        for (wide, alpha) in [(0.12, 26), (0.06, 46)] {
            brush.board.line(&points, wide * brush.size, [255, 252, 246], alpha);
        }
    }
}

/// Its middle is the place.
fn fish(brush: &mut Brush, p: &Palette) {
    let (light, shade) = (lighter(p.accent, 90), darker(p.accent, 80));
    let tail =
        Outline::smooth(&[(0.6, 0.0), (0.9, -0.34), (1.24, -0.5), (1.08, 0.0), (1.24, 0.5), (0.9, 0.34)]);
    brush.fill(tail, Paint::across(p.second, lighter(p.second, 60)));
    let fin = Outline::smooth(&[(-0.3, -0.4), (0.0, -0.76), (0.4, -0.7), (0.45, -0.3)]);
    brush.fill(fin, Paint::down(lighter(p.second, 60), p.second));
    let body = Outline::smooth(&[
        (-1.0, 0.0),
        (-0.6, -0.42),
        (0.0, -0.52),
        (0.5, -0.28),
        (0.8, 0.0),
        (0.5, 0.28),
        (0.0, 0.48),
        (-0.6, 0.38),
    ]);
    brush.fill(body, Paint::down(light, shade));
    for (x, high) in [(-0.36, 0.34), (0.06, 0.38), (0.42, 0.22)] {
        let band = Outline::smooth(&[
            (x, -high),
            (x + 0.14, -high * 0.9),
            (x + 0.2, 0.0),
            (x + 0.12, high * 0.9),
            (x, high),
            (x + 0.06, 0.0),
        ]);
        brush.fill(band, Paint::flat(p.pale).alpha(190));
    }
    brush.fill(
        Outline::smooth(&[(-0.2, 0.1), (0.12, 0.2), (0.2, 0.44), (-0.06, 0.36)]),
        Paint::down(p.second, lighter(p.second, 70)),
    );
    brush.oval((-0.66, -0.1), (0.13, 0.13), Paint::flat([250, 250, 246]));
    brush.oval((-0.68, -0.1), (0.07, 0.07), Paint::flat([20, 18, 28]));
    brush.line(&bent(&[(-0.97, 0.08), (-0.86, 0.14), (-0.78, 0.1)]), 0.024, darker(shade, 80));
    for (x, y, r) in [(-1.25, -0.3, 0.07), (-1.36, -0.6, 0.1), (-1.2, -0.95, 0.06)] {
        brush.oval((x, y), (r, r), Paint::ball([255; 3], lighter(p.water, 140)).fade(40, 190));
    }
}

fn bird(brush: &mut Brush, p: &Palette) {
    let (light, shade) = (lighter(p.accent, 70), darker(p.accent, 70));
    brush.line(
        &bent(&[(-2.2, 0.16), (-0.8, 0.02), (0.6, 0.07), (2.2, -0.14)]),
        0.1,
        darker([110, 78, 58], 40),
    );
    brush.line(&bent(&[(0.8, 0.04), (1.2, -0.18), (1.5, -0.22)]), 0.05, darker([110, 78, 58], 40));
    let tail = Outline::polygon(&[(0.5, -0.5), (1.3, 0.22), (1.05, 0.36), (0.3, -0.2)]);
    brush.fill(tail, Paint::down(shade, darker(shade, 80)));
    let body = Outline::smooth(&[
        (-0.6, -1.2),
        (-0.3, -1.46),
        (0.02, -1.3),
        (0.26, -0.9),
        (0.6, -0.42),
        (0.3, -0.1),
        (-0.2, -0.06),
        (-0.6, -0.36),
        (-0.72, -0.8),
    ]);
    brush.fill(body, Paint::ball(light, shade));
    brush.fill(
        Outline::smooth(&[(-0.6, -0.9), (-0.3, -0.8), (-0.1, -0.3), (-0.3, -0.12), (-0.58, -0.4)]),
        Paint::flat(lighter(p.second, 110)).alpha(200),
    );
    brush.fill(
        Outline::smooth(&[(-0.08, -0.86), (0.3, -0.66), (0.74, -0.2), (0.2, -0.26), (-0.08, -0.5)]),
        Paint::across(p.second, darker(p.second, 90)),
    );
    brush.fill(
        Outline::polygon(&[(-0.62, -1.2), (-0.92, -1.06), (-0.64, -1.02)]),
        Paint::flat([240, 168, 60]),
    );
    brush.oval((-0.42, -1.2), (0.065, 0.065), Paint::flat([22, 18, 28]));
    brush.oval((-0.44, -1.22), (0.02, 0.02), Paint::flat([255; 3]));
    for x in [-0.16, 0.06] {
        brush.line(&[(x, -0.1), (x - 0.02, 0.04)], 0.035, [196, 128, 60]);
    }
}

fn apple(brush: &mut Brush, p: &Palette) {
    let red = if p.is_wished { p.accent } else { [206, 54, 46] };
    for (x, y, size, colour) in
        [(0.62, -0.02, 0.62, [148, 178, 66]), (-0.6, 0.02, 0.56, [222, 132, 56]), (0.0, 0.06, 0.78, red)]
    {
        brush.board.glow(
            (brush.at.0 + (x + 0.06) * brush.size, brush.at.1 + y * brush.size),
            (size * brush.size * 0.95, size * brush.size * 0.2),
            [12, 12, 24],
            170.0,
        );
        let round = Outline::smooth(&[
            (0.0, -0.92),
            (0.34, -1.06),
            (0.68, -0.84),
            (0.72, -0.44),
            (0.46, -0.06),
            (0.16, 0.0),
            (0.0, -0.03),
            (-0.16, 0.0),
            (-0.46, -0.06),
            (-0.72, -0.44),
            (-0.68, -0.84),
            (-0.34, -1.06),
        ]);
        brush.fill(
            round.placed(0.0, (size, size), x, y),
            Paint::ball(lighter(colour, 110), darker(colour, 90)),
        );
        let stem = bent(&[
            (x, y - 0.9 * size),
            (x + 0.03 * size, y - 1.1 * size),
            (x + 0.12 * size, y - 1.26 * size),
        ]);
        brush.line(&stem, 0.05 * size, [88, 60, 40]);
        let leaf = Outline::default()
            .from(0.06, -1.1)
            .curve((0.16, -1.36), (0.4, -1.36), (0.56, -1.26))
            .curve((0.44, -1.06), (0.22, -1.04), (0.06, -1.1));
        brush.fill(leaf.placed(0.0, (size, size), x, y), Paint::across([126, 176, 84], [58, 112, 62]));
        brush.oval(
            (x - 0.34 * size, y - 0.72 * size),
            (0.1 * size, 0.16 * size),
            Paint::flat([255; 3]).alpha(110),
        );
    }
}
