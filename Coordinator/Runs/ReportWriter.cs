using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Runs;

/// <summary>A picture for the report.</summary>
/// <param name="Caption">What it shows.</param>
/// <param name="Png">The file, whole.</param>
public sealed record ReportPicture(string Caption, byte[] Png);

/// <summary>All that a report shows.</summary>
/// <param name="Title">Name of the run.</param>
/// <param name="Summary">The final numbers.</param>
/// <param name="Configuration">Everything that the result depends on.</param>
/// <param name="History">A line a step, as <see cref="MetricsReader"/> gives them.</param>
/// <param name="Pictures">Previews: noisy, denoised and clean side by side.</param>
public sealed record RunReport(
    string Title,
    RunSummary Summary,
    JsonObject Configuration,
    IReadOnlyList<StepMetrics> History,
    IReadOnlyList<ReportPicture> Pictures);

/// <summary>
/// Writes report.html: one file to look at or to send, without scripts and without anything from outside.
/// </summary>
public static class ReportWriter
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1c2430; --quiet: #66707e; --paper: #fbfbfa; --card: #ffffff;
          --line: #e2e5e9; --curve: #2166ac; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #98a2b0; --paper: #14171c;
          --card: #1c2026; --line: #323842; --curve: #6fb1ec; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1100px; padding: 32px 20px 48px; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
        h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
        h2 { font-size: 17px; margin: 0 0 10px; }
        .quiet { color: var(--quiet); margin: 0; }
        .row { display: grid; gap: 16px; margin-top: 20px;
          grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
        .numbers { grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); }
        .numbers .quiet { font-size: 13px; white-space: nowrap; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px;
          min-width: 0; }
        .numbers b { display: block; font-size: 24px; font-weight: 600; line-height: 1.3; }
        .numbers small { font-size: 14px; font-weight: 400; color: var(--quiet); }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--quiet); font-size: 12px; }
        svg .grid { stroke: var(--line); stroke-width: 1; }
        svg polyline { fill: none; stroke: var(--curve); stroke-width: 1.8; stroke-linejoin: round; }
        svg circle { fill: var(--curve); }
        figure { margin: 0 0 14px; }
        figure img { display: block; width: 100%; image-rendering: pixelated; border-radius: 4px; }
        figcaption { color: var(--quiet); margin-top: 4px; }
        table { border-collapse: collapse; width: 100%; }
        td { padding: 4px 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
        tr:first-child td { border-top: 0; }
        td:first-child { color: var(--quiet); padding-right: 16px; width: 40%; }
        td:last-child { font-family: ui-monospace, Consolas, monospace; font-size: 13px; }
        """;

    /// <summary>Writes the page; the old one stays if this fails.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string path, RunReport report) => AtomicFile.WriteAllText(path, Render(report));

    /// <summary>The page as HTML.</summary>
    public static string Render(RunReport report)
    {
        StringBuilder html = new();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.Append($"<title>{Escape(report.Title)}</title>\n<style>\n{Style}\n</style></head>\n<body>\n");
        html.Append($"<h1>{Escape(report.Title)}</h1>\n<p class=\"quiet\">{Escape(Sentence(report.Summary))}</p>\n");
        AppendNumbers(html, report.Summary);
        AppendCurves(html, report.History);
        AppendPictures(html, report.Pictures);
        html.Append("<div class=\"row\">\n");
        AppendTable(html, "Result", Results(report.Summary));
        AppendTable(html, "Configuration", Flatten("", report.Configuration));
        return html.Append("</div>\n</body></html>\n").ToString();
    }

    private static string Sentence(RunSummary summary) => string.Create(
        CultureInfo.InvariantCulture,
        $"{summary.Steps:N0} steps ({summary.Epochs:0.##} epochs) in {Duration(summary.Seconds)}, run {summary.Run}");

    private static void AppendNumbers(StringBuilder html, RunSummary summary)
    {
        html.Append("<div class=\"row numbers\">\n");
        AppendNumber("PSNR", summary.Psnr, "F2", "dB");
        AppendNumber("PSNR, mean per image", summary.PsnrMeanPerImage, "F2", "dB");
        AppendNumber("PSNR, estimated", summary.PsnrEstimated, "F2", "dB");
        AppendNumber("SSIM", summary.Ssim, "F4", "");
        AppendNumber("Validation loss", summary.ValidationLoss, "G4", "");
        AppendNumber("Accuracy", summary.Accuracy * 100, "F2", "%");
        AppendNumber("Loss", summary.Loss, "G4", "");
        AppendNumber("Speed", summary.ImagesPerSecond, "N0", "images/s");
        AppendNumber("Workers", summary.Workers, "N0", "");
        html.Append("</div>\n");

        void AppendNumber(string name, double? value, string format, string unit)
        {
            if (value is { } number)
            {
                string text = number.ToString(format, CultureInfo.InvariantCulture);
                html.Append($"<div class=\"card\"><span class=\"quiet\">{name}</span>");
                html.Append($"<b>{text} <small>{unit}</small></b></div>\n");
            }
        }
    }

    private static void AppendCurves(StringBuilder html, IReadOnlyList<StepMetrics> history)
    {
        IEnumerable<(double, double)> losses = history.Select(step => ((double)step.Step, step.Loss));
        IEnumerable<(double, double)> psnrs = history
            .Where(step => step.Psnr is not null)
            .Select(step => ((double)step.Step, step.Psnr!.Value));
        html.Append("<div class=\"row\">\n<div class=\"card\"><h2>Training loss by step</h2>");
        html.Append(ReportChart.Draw(losses, "Training loss", withDots: false));
        html.Append("</div>\n<div class=\"card\"><h2>Validation PSNR (dB) by step</h2>");
        html.Append(ReportChart.Draw(psnrs, "Validation PSNR", withDots: true)).Append("</div>\n</div>\n");
    }

    private static void AppendPictures(StringBuilder html, IReadOnlyList<ReportPicture> pictures)
    {
        if (pictures.Count == 0)
        {
            return;
        }

        html.Append("<div class=\"row\"><div class=\"card\"><h2>Noisy, denoised, clean</h2>\n<div class=\"row\">\n");
        foreach (ReportPicture picture in pictures)
        {
            string caption = Escape(picture.Caption);
            string data = Convert.ToBase64String(picture.Png);
            html.Append($"<figure><img alt=\"{caption}\" src=\"data:image/png;base64,{data}\">");
            html.Append($"<figcaption>{caption}</figcaption></figure>\n");
        }

        html.Append("</div></div></div>\n");
    }

    private static void AppendTable(StringBuilder html, string title, IEnumerable<(string Name, string Value)> rows)
    {
        html.Append($"<div class=\"card\"><h2>{title}</h2><table>\n");
        foreach ((string name, string value) in rows)
        {
            html.Append($"<tr><td>{Escape(name)}</td><td>{Escape(value)}</td></tr>\n");
        }

        html.Append("</table></div>\n");
    }

    private static IEnumerable<(string Name, string Value)> Results(RunSummary summary) =>
        JsonNode.Parse(summary.ToJson())!.AsObject().Select(member => (member.Key, Text(member.Value)));

    /// <summary>One row a setting, named by its dotted path; lists of plain values stay on one row.</summary>
    private static IEnumerable<(string Name, string Value)> Flatten(string path, JsonNode? node)
    {
        IEnumerable<(string Key, JsonNode? Value)> members = node switch
        {
            JsonObject { Count: > 0 } settings => settings.Select(member => (member.Key, member.Value)),
            JsonArray items when items.Any(item => item is JsonObject or JsonArray) =>
                items.Select((item, index) => ($"{index}", item)),
            _ => [],
        };
        bool isLeaf = true;
        foreach ((string key, JsonNode? value) in members)
        {
            isLeaf = false;
            foreach ((string, string) row in Flatten(path.Length == 0 ? key : $"{path}.{key}", value))
            {
                yield return row;
            }
        }

        if (isLeaf)
        {
            yield return (path, Text(node));
        }
    }

    private static string Text(JsonNode? node) => node switch
    {
        null => "-",
        JsonValue value when value.TryGetValue(out string? text) => text,
        _ => node.ToJsonString(),
    };

    private static string Duration(double seconds)
    {
        TimeSpan time = TimeSpan.FromSeconds(double.IsFinite(seconds) ? Math.Clamp(seconds, 0, 1e9) : 0);
        return time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
            : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
