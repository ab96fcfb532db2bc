//! The form of a mask: the areas that hang together, and an edge that is soft towards the inside.

use super::Mask;

/// A part of a mask that hangs together: the box around it, right and bottom being just behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
    pub pixels: usize,
    /// How deep its middle lies, in steps of [`STEP`].
    depth: u16,
}

impl Area {
    pub fn with(self, other: Self) -> Self {
        Area {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            pixels: self.pixels + other.pixels,
            depth: self.depth.max(other.depth),
        }
    }
}

/// A stretch of one row that may change.
struct Run {
    start: usize,
    end: usize,
    y: usize,
    parent: usize,
}

/// Beyond so many stretches (noise, not areas) all is one area with one stretch a row: what is kept of them must not
/// outgrow the picture.
const MOST_RUNS: usize = 1 << 20;

/// The areas of rows of this width.
pub(super) fn areas(width: usize, cover: &[u8]) -> Vec<Area> {
    labelled(width, cover, &[]).0.into_iter().flatten().collect()
}

/// The root of a run's tree, made shorter on the way.
fn root(runs: &mut [Run], mut at: usize) -> usize {
    while let Some(parent) = runs.get(at).map(|run| run.parent)
        && parent != at
    {
        let above = runs.get(parent).map_or(parent, |run| run.parent);
        if let Some(run) = runs.get_mut(at) {
            run.parent = above;
        }
        at = above;
    }
    at
}

fn stretches(row: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = row.get(at..)?;
        let start = at + rest.iter().position(|cover| *cover > 0)?;
        let inside = row.get(start..)?;
        let end = start + inside.iter().position(|cover| *cover == 0).unwrap_or(inside.len());
        at = end;
        Some((start, end))
    })
}

/// The areas by the number of a run that stands for each, and the runs. `depths` may be empty.
fn labelled(width: usize, cover: &[u8], depths: &[u16]) -> (Vec<Option<Area>>, Vec<Run>) {
    let width = width.max(1);
    let mut runs: Vec<Run> = Vec::new();
    let mut above = 0..0;
    for (y, row) in cover.chunks_exact(width).enumerate() {
        let first = runs.len();
        let mut look = above.start;
        for (start, end) in stretches(row) {
            let at = runs.len();
            runs.push(Run { start, end, y, parent: at });
            while look < above.end {
                let Some((from, to)) = runs.get(look).map(|run| (run.start, run.end)) else { break };
                if from < end && start < to {
                    let (one, other) = (root(&mut runs, look), root(&mut runs, at));
                    let (low, high) = (one.min(other), one.max(other));
                    if let Some(run) = runs.get_mut(high) {
                        run.parent = low;
                    }
                }
                // One that goes on behind this stretch may touch the next one, too.
                if to > end {
                    break;
                }
                look += 1;
            }
        }
        if runs.len() > MOST_RUNS {
            runs = whole_rows(width, cover);
            break;
        }
        above = first..runs.len();
    }
    let mut areas: Vec<Option<Area>> = vec![None; runs.len()];
    for at in 0..runs.len() {
        let label = root(&mut runs, at);
        let Some(run) = runs.get_mut(at) else { continue };
        run.parent = label;
        let depths = depths.get(run.y * width + run.start..run.y * width + run.end).unwrap_or_default();
        let own = Area {
            left: run.start,
            top: run.y,
            right: run.end,
            bottom: run.y + 1,
            pixels: run.end - run.start,
            depth: depths.iter().copied().max().unwrap_or_default(),
        };
        if let Some(area) = areas.get_mut(label) {
            *area = Some(area.map_or(own, |area| area.with(own)));
        }
    }
    (areas, runs)
}

/// One stretch for each row, from its first pixel that may change to its last one, all of one area.
fn whole_rows(width: usize, cover: &[u8]) -> Vec<Run> {
    let rows = cover.chunks_exact(width).enumerate();
    let stretch = |(y, row): (usize, &[u8])| {
        let start = row.iter().position(|cover| *cover > 0)?;
        let end = row.iter().rposition(|cover| *cover > 0)? + 1;
        Some(Run { start, end, y, parent: 0 })
    };
    rows.filter_map(stretch).collect()
}

/// One pixel's side, in the steps in which distances are counted.
pub(super) const STEP: u16 = 3;

/// A pixel's diagonal.
const DIAGONAL: u16 = 4;

/// How far each pixel is from the nearest one that is `zero`, in steps of [`STEP`]. What lies beyond the
/// sheet counts as nothing.
pub(super) fn distances(width: usize, cover: &[u8], zero: impl Fn(u8) -> bool) -> Vec<u16> {
    let width = width.max(1);
    let mut far: Vec<u16> = cover.iter().map(|cover| if zero(*cover) { 0 } else { u16::MAX }).collect();
    sweep(&mut far, width, false);
    sweep(&mut far, width, true);
    far
}

/// One pass over the rows, from the top or from the bottom.
fn sweep(far: &mut [u16], width: usize, backwards: bool) {
    let mut before: Vec<u16> = vec![u16::MAX; width];
    let count = far.len() / width;
    for step in 0..count {
        let y = if backwards { count - 1 - step } else { step };
        let Some(row) = far.get_mut(y * width..(y + 1) * width) else { continue };
        // From the row before: straight, and by both diagonals.
        let right = before.iter().skip(1).copied().chain([u16::MAX]);
        let left = std::iter::once(u16::MAX).chain(before.iter().copied());
        for ((cell, straight), (left, right)) in row.iter_mut().zip(&before).zip(left.zip(right)) {
            let near = left.min(right).saturating_add(DIAGONAL).min(straight.saturating_add(STEP));
            *cell = near.min(*cell);
        }
        let mut last = u16::MAX;
        let mut along = |cell: &mut u16| {
            *cell = last.saturating_add(STEP).min(*cell);
            last = *cell;
        };
        if backwards {
            row.iter_mut().rev().for_each(&mut along)
        } else {
            row.iter_mut().for_each(&mut along)
        }
        before.copy_from_slice(row);
    }
}

/// How much of the new picture each pixel of a part of the sheet gets.
pub(super) struct Weights {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub data: Vec<u8>,
}

/// The mask with soft edges: over `feather` pixels, or half of an area's depth if that is less, its share
/// rises from nothing. The sheet's own edge is none of a mask's.
pub(super) fn feathered(mask: &Mask, feather: u32) -> Weights {
    let (wide, high) = (mask.width as usize, mask.height as usize);
    let Some(all) = areas(wide, &mask.cover).into_iter().reduce(Area::with) else {
        return Weights { left: 0, top: 0, width: 1, data: Vec::new() };
    };
    // With a line of the outside around it, where there is one.
    let (left, top) = (all.left.saturating_sub(1), all.top.saturating_sub(1));
    let (right, bottom) = ((all.right + 1).min(wide), (all.bottom + 1).min(high));
    let width = right - left;
    let mut data = Vec::with_capacity(width * (bottom - top));
    for row in mask.cover.chunks_exact(wide.max(1)).take(bottom).skip(top) {
        data.extend_from_slice(row.get(left..right).unwrap_or_default());
    }
    let depths = distances(width, &data, |cover| cover == 0);
    let (areas, runs) = labelled(width, &data, &depths);
    for run in runs {
        let Some(Some(area)) = areas.get(run.parent) else { continue };
        // Of an area without an edge it is as large as can be told: nothing of it is soft.
        let depth = f32::from(area.depth) / f32::from(STEP);
        let soft = (feather as f32).min(depth / 2.0) + 1.0;
        let place = run.y * width + run.start..run.y * width + run.end;
        let (Some(cells), Some(depths)) = (data.get_mut(place.clone()), depths.get(place)) else { continue };
        for (cell, depth) in cells.iter_mut().zip(depths) {
            let t = (f32::from(*depth) / f32::from(STEP) / soft).min(1.0);
            *cell = (f32::from(*cell) * t * t * (3.0 - 2.0 * t) + 0.5) as u8;
        }
    }
    Weights { left, top, width, data }
}
