//! Drawn by ourselves, so that nothing has to be installed.

use std::fmt::Write;

use super::{
    layout::{BETWEEN, BOX, Item, Layout, layout},
    order::count,
    picture::{Box, Picture, kind, label},
};
use crate::graph::Role;

/// Around everything.
const MARGIN: f64 = 32.0;
/// For the title.
const HEAD: f64 = 72.0;
/// What a scope's rectangle stands off its boxes.
const PAD: f64 = 14.0;

/// Hues that stay apart, for scopes in their order.
const HUES: [u16; 12] = [210, 150, 28, 275, 350, 185, 95, 48, 315, 240, 125, 5];

/// The picture as a self-contained SVG.
pub fn svg(picture: &Picture) -> String {
    let layout = layout(picture);
    let x = |layer: usize| MARGIN + PAD + count(layer) * (BOX.0 + BETWEEN);
    let y = |item: &Item| HEAD + MARGIN + item.y;
    let width = (x(layout.layers.max(1) - 1) + BOX.0 + PAD + MARGIN).max(360.0);
    let bottom = layout.lanes.last().map_or(0.0, |lane| lane.top + lane.height);
    let height = HEAD + MARGIN + bottom + PAD + MARGIN;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">"
    );
    out.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN:.0}\" y=\"38\" font-size=\"20\" font-weight=\"600\" fill=\"#1f2937\">{}</text>",
        escaped(&picture.title)
    );
    let about = format!(
        "{} resources; an arrow goes from what is needed to what needs it",
        picture.boxes.len()
    );
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN:.0}\" y=\"58\" font-size=\"12\" fill=\"#6b7280\">{about}</text>"
    );
    scopes(&layout, &x, &mut out);
    out.push_str("<g fill=\"none\" stroke-width=\"1.3\">\n");
    for route in &layout.routes {
        let points: Vec<(f64, f64, bool)> = route
            .iter()
            .map(|at| {
                let item = &layout.items[*at];
                (x(item.layer), y(item), item.of.is_some())
            })
            .collect();
        let hue = hue(layout.items[route[0]].lane, &layout);
        let _ = writeln!(out, "<path d=\"{}\" stroke=\"{}\"/>", spline(&points), arrow(hue));
        if let Some((x, y, _)) = points.last() {
            let _ = writeln!(
                out,
                "<path d=\"M{:.1} {:.1}L{x:.1} {y:.1}L{:.1} {:.1}\" stroke=\"{}\"/>",
                x - 6.0,
                y - 3.5,
                x - 6.0,
                y + 3.5,
                arrow(hue)
            );
        }
    }
    out.push_str("</g>\n");
    for item in &layout.items {
        if let Some(of) = item.of {
            draw(&picture.boxes[of], x(item.layer), y(item), hue(item.lane, &layout), &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// `None` for what is in no scope.
fn hue(lane: usize, layout: &Layout) -> Option<u16> {
    layout.lanes[lane].scope.as_ref()?;
    let before = layout.lanes[..lane].iter().filter(|lane| lane.scope.is_some()).count();
    Some(HUES[before % HUES.len()])
}

fn arrow(hue: Option<u16>) -> String {
    color(hue, 34, 62)
}

/// CSS `hsl()` is not known to every SVG reader, so it is worked out here.
fn color(hue: Option<u16>, saturation: u8, light: u8) -> String {
    let (h, saturation, light) = match hue {
        Some(hue) => (f64::from(hue), f64::from(saturation) / 100.0, f64::from(light) / 100.0),
        None => (220.0, 0.09, f64::from(light) / 100.0),
    };
    let reach = saturation * light.min(1.0 - light);
    let channel = |n: f64| {
        let k = (n + h / 30.0) % 12.0;
        let value = light - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        format!("{:02x}", to_byte(value * 255.0))
    };
    format!("#{}{}{}", channel(0.0), channel(8.0), channel(4.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn to_byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn scopes(layout: &Layout, x: &impl Fn(usize) -> f64, out: &mut String) {
    for (at, lane) in layout.lanes.iter().enumerate() {
        let boxes = layout.items.iter().filter(|item| item.lane == at && item.of.is_some());
        let layers: Vec<usize> = boxes.clone().map(|item| item.layer).collect();
        let (Some(first), Some(last), Some(scope)) =
            (layers.iter().min(), layers.iter().max(), &lane.scope)
        else {
            continue;
        };
        let top = boxes.clone().map(|item| item.y).fold(f64::MAX, f64::min) - BOX.1 / 2.0;
        let bottom = boxes.map(|item| item.y).fold(f64::MIN, f64::max) + BOX.1 / 2.0;
        let (left, right) = (x(*first) - PAD, x(*last) + BOX.0 + PAD);
        let hue = hue(at, layout);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"12\" fill=\"{}\" stroke=\"{}\"/>",
            HEAD + MARGIN + top - PAD,
            right - left,
            bottom - top + 2.0 * PAD,
            color(hue, 60, 97),
            color(hue, 40, 86),
        );
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" font-weight=\"600\" fill=\"{}\">{}</text>",
            left + 2.0,
            HEAD + MARGIN + top - PAD - 5.0,
            color(hue, 45, 38),
            escaped(scope)
        );
    }
}

fn draw(one: &Box, x: f64, middle: f64, hue: Option<u16>, out: &mut String) {
    let y = middle - BOX.1 / 2.0;
    let dashes = if one.role == Role::Lookup { " stroke-dasharray=\"4 3\"" } else { "" };
    let stroke = if one.holds_data { 2.2 } else { 1.0 };
    let _ = writeln!(out, "<g><title>{}</title>", escaped(one.urn.as_str()));
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"7\" fill=\"#ffffff\" stroke=\"{}\" stroke-width=\"{stroke}\"{dashes}/>",
        BOX.0,
        BOX.1,
        color(hue, 45, 55),
    );
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" fill=\"#111827\">{}</text>",
        x + 10.0,
        y + 15.5,
        escaped(&fitting(label(&one.urn), 25))
    );
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"{}\">{}</text>",
        x + 10.0,
        y + 28.5,
        color(hue, 40, 42),
        escaped(&fitting(&kind(&one.urn), 30))
    );
    if one.protected {
        // A padlock.
        let (lx, ly) = (x + BOX.0 - 17.0, y + 15.0);
        let ink = color(hue, 45, 45);
        let _ = writeln!(
            out,
            "<rect x=\"{lx:.1}\" y=\"{ly:.1}\" width=\"9\" height=\"7\" rx=\"1.5\" fill=\"{ink}\"/><path d=\"M{:.1} {ly:.1}v-2a2.5 2.5 0 0 1 5 0v2\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.4\"/>",
            lx + 2.0
        );
    }
    out.push_str("</g>\n");
}

/// From the right side of the first box through the bends to the left side of the last.
fn spline(points: &[(f64, f64, bool)]) -> String {
    let mut path = String::new();
    let Some((x, y, _)) = points.first() else { return path };
    let mut at = (x + BOX.0, *y);
    let _ = write!(path, "M{:.1} {:.1}", at.0, at.1);
    for (x, y, is_box) in &points[1..] {
        let middle = f64::midpoint(at.0, *x);
        let _ = write!(path, "C{middle:.1} {:.1} {middle:.1} {y:.1} {x:.1} {y:.1}", at.1);
        at = (*x, *y);
        if !is_box {
            at.0 += BOX.0;
            let _ = write!(path, "H{:.1}", at.0);
        }
    }
    path
}

fn fitting(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
