using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Distributed.Deploy.Tests.Harness;

/// <summary>A shell that stays open, as a person's terminal: what one block sets, the next one finds.</summary>
internal sealed class Terminal : IDisposable
{
    private const string Mark = "@@ done";
    private readonly Process _shell;
    private readonly BlockingCollection<string?> _lines = [];
    private readonly StringBuilder _said = new();
    private Task _last = Task.CompletedTask;

    /// <summary>Opens one.</summary>
    /// <param name="folder">Where it begins.</param>
    /// <param name="environment">More variables.</param>
    /// <param name="words">What starts the shell.</param>
    public Terminal(string folder, IReadOnlyDictionary<string, string> environment, params string[] words)
    {
        _shell = Shell.Start(folder, environment, words[0], words[1..]);
        _shell.OutputDataReceived += (_, line) => _lines.Add(line.Data);
        _shell.ErrorDataReceived += (_, line) => Note(line.Data);
        _shell.BeginOutputReadLine();
        _shell.BeginErrorReadLine();
    }

    /// <summary>Everything that was said.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <summary>Types lines when those before have ended; done when these have.</summary>
    public Task TypeAsync(string text) => _last = TypeNextAsync(text, _last);

    /// <summary>Waits for what was typed last.</summary>
    public Task EndAsync() => _last;

    public void Dispose()
    {
        if (!_shell.HasExited)
        {
            _shell.Kill(entireProcessTree: true);
        }

        _shell.Dispose();
        _lines.Dispose();
    }

    private async Task TypeNextAsync(string text, Task before)
    {
        await before;
        await _shell.StandardInput.WriteAsync($"{{\n{text}\n}} < /dev/null\necho '{Mark}'\n");
        await _shell.StandardInput.FlushAsync();
        await Task.Run(() =>
        {
            while (_lines.Take() is var line && line != Mark)
            {
                Note(line);
                Assert.True(line is not null, $"A line failed:\n{text}\n--- said\n{Said}");
            }
        });
    }

    private void Note(string? line)
    {
        lock (_said)
        {
            _said.AppendLine(line);
        }
    }
}
