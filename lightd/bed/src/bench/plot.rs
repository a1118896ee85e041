//! A plot in SVG of a few lines over logarithmic axes, legible on light and on dark.

use std::fmt::Write as _;

/// Lines over an x and a y that both grow tenfold from mark to mark.
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    x: String,
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Room for what is written left, above, right and below.
const ROOM: [f64; 4] = [60.0, 40.0, 170.0, 50.0];
/// Okabe and Ito's, which most eyes can tell from each other, on white and on black.
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

impl Plot {
    /// Nothing yet. `x` says what grows to the right.
    pub fn new(title: &str, x: &str) -> Self {
        Self { title: title.to_owned(), x: x.to_owned(), lines: Vec::new() }
    }

    /// One more line through points that are larger than 0. One without points isn't drawn.
    pub fn line(&mut self, name: &str, points: Vec<(f64, f64)>) {
        if !points.is_empty() {
            self.lines.push((name.to_owned(), points));
        }
    }

    /// As a picture.
    pub fn svg(&self) -> String {
        let all = || self.lines.iter().flat_map(|(_, points)| points);
        let (x, y) = (Axis::over(all().map(|point| point.0)), Axis::over(all().map(|point| point.1)));
        let [left, top, right, bottom] = [ROOM[0], ROOM[1], WIDTH - ROOM[2], HEIGHT - ROOM[3]];
        let at = |(px, py): (f64, f64)| (left + x.share(px) * (right - left), bottom - y.share(py) * (bottom - top));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>{0}</title>\n<style>text {{ fill: #444 }} \
             .mark {{ stroke: #8886 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #ccc }} }}</style>\n\
             <text x=\"{left}\" y=\"20\" font-weight=\"600\">{0}</text>\n",
            escaped(&self.title)
        );
        for mark in x.marks() {
            let (px, _) = at((mark, y.least()));
            put(&mut svg, &[px, top, px, bottom]);
            text(&mut svg, (px, bottom + 18.0), "middle", &short(mark));
        }
        for mark in y.marks() {
            let (_, py) = at((x.least(), mark));
            put(&mut svg, &[left, py, right, py]);
            text(&mut svg, (left - 8.0, py + 4.0), "end", &short(mark));
        }
        text(&mut svg, ((left + right) / 2.0, HEIGHT - 10.0), "middle", &self.x);
        // Names stand where their lines end, none over another.
        let mut names: Vec<_> = (0..self.lines.len()).collect();
        let end = |number: usize| self.lines[number].1.last().map_or(top, |point| at(*point).1);
        names.sort_by(|a, b| end(*a).total_cmp(&end(*b)));
        let mut free = f64::MIN;
        for number in names {
            let (name, points) = &self.lines[number];
            let color = COLORS[number % COLORS.len()];
            let path: Vec<_> = points.iter().map(|point| at(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let path = path.join(" ");
            writeln!(svg, "<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2.5\"/>").ok();
            for (x, y) in points.iter().map(|point| at(*point)) {
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{color}\"/>").ok();
            }
            let y = (end(number) + 4.0).max(free);
            free = y + 16.0;
            let name = escaped(name);
            writeln!(svg, "<text x=\"{:.1}\" y=\"{y:.1}\" style=\"fill: {color}\">{name}</text>", right + 10.0).ok();
        }
        svg + "</svg>\n"
    }
}

/// From a power of ten to a later one.
#[derive(Clone, Copy, Debug)]
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let most = values.fold(f64::MIN_POSITIVE, f64::max).log10().ceil();
        if least.is_finite() { Self { from: least, to: most.max(least + 1.0) } } else { Self { from: 0.0, to: 1.0 } }
    }

    fn least(self) -> f64 {
        10_f64.powf(self.from)
    }

    /// Where a value lies: 0 at the beginning, 1 at the end.
    fn share(self, value: f64) -> f64 {
        (value.log10() - self.from) / (self.to - self.from)
    }

    fn marks(self) -> impl Iterator<Item = f64> {
        (0..)
            .map(move |step| self.from + f64::from(step))
            .take_while(move |power| *power <= self.to)
            .map(|power| 10_f64.powf(power))
    }
}

fn put(svg: &mut String, [x1, y1, x2, y2]: &[f64; 4]) {
    writeln!(svg, "<path class=\"mark\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>").ok();
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(text)).ok();
}

/// A mark's value, as 10k.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_where_its_logarithm_does() {
        let mut plot = Plot::new("a < b", "pods");
        plot.line("podlight", vec![(1_000.0, 1.0), (10_000.0, 10.0), (100_000.0, 100.0)]);
        plot.line("none", Vec::new());
        let svg = plot.svg();
        assert!(svg.contains("points=\"60.0,370.0 305.0,205.0 550.0,40.0\""), "{svg}");
        for text in [">a &lt; b<", ">1k<", ">10k<", ">100k<", ">podlight<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(!svg.contains("none<"), "{svg}");
    }

    #[test]
    fn a_plot_of_nothing_is_empty() {
        assert!(Plot::new("", "").svg().ends_with("</svg>\n"));
    }
}
