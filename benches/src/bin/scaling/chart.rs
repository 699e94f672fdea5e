//! The chart: a panel an operation, time over the number of images, both logarithmic.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::figures::{Figures, grouped, time};

const PANEL: (u32, u32) = (420, 300);
const COLUMNS: usize = 3;
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 181),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
    RGBColor(180, 180, 180),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
];

/// Draws all operations that were measured at more than one size.
pub fn draw(figures: &Figures, path: &Path) -> Result<()> {
    let operations = figures.operations();
    let rows = operations.len().div_ceil(COLUMNS).max(1);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32 + 40);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let failed = |error: &dyn std::fmt::Display| anyhow!("drawing {}: {error}", path.display());
    root.fill(&WHITE).map_err(|e| failed(&e))?;
    let (legend, panels) = root.split_vertically(40);
    for (index, peer) in figures.peers().iter().enumerate() {
        let x = 20 + 205 * i32::try_from(index)?;
        let colour = COLOURS[index % COLOURS.len()];
        legend
            .draw(&Rectangle::new([(x, 12), (x + 14, 26)], colour.filled()))
            .map_err(|e| failed(&e))?;
        legend
            .draw(&Text::new(
                (*peer).to_owned(),
                (x + 20, 12),
                ("sans-serif", 15),
            ))
            .map_err(|e| failed(&e))?;
    }
    let areas = panels.split_evenly((rows, COLUMNS));
    for (operation, area) in operations.iter().zip(&areas) {
        panel(figures, operation, area).map_err(|e| failed(&e))?;
    }
    root.present().map_err(|e| failed(&e))?;
    Ok(())
}

fn panel(
    figures: &Figures,
    operation: &str,
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<()> {
    let all: Vec<_> = figures
        .figures
        .iter()
        .filter(|figure| figure.operation == operation)
        .collect();
    let least = all.iter().map(|f| f.seconds).fold(f64::INFINITY, f64::min);
    let most = all.iter().map(|f| f.seconds).fold(0.0, f64::max);
    let counts = figures.counts();
    let (Some(first), Some(last)) = (counts.first(), counts.last()) else {
        return Ok(());
    };
    let images = (*first as f64 * 0.8)..(*last as f64 * 1.25);
    let mut chart = ChartBuilder::on(area)
        .caption(operation, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(26)
        .y_label_area_size(62)
        .build_cartesian_2d(images.log_scale(), (least * 0.7..most * 1.4).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(4)
        .y_labels(6)
        .x_label_formatter(&|images| grouped(*images as u64))
        .y_label_formatter(&|seconds| time(*seconds))
        .light_line_style(WHITE)
        .draw()?;
    for (index, peer) in figures.peers().iter().enumerate() {
        let points: Vec<_> = all
            .iter()
            .filter(|figure| figure.peer == *peer)
            .map(|figure| (figure.images as f64, figure.seconds))
            .collect();
        let colour = COLOURS[index % COLOURS.len()];
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
        chart.draw_series(
            points
                .into_iter()
                .map(|at| Circle::new(at, 3, colour.filled())),
        )?;
    }
    Ok(())
}
