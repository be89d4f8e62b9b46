namespace Distributed.Deploy.Tests.Harness;

/// <summary>A line of ours that a manifest or a page has: a program and its arguments.</summary>
internal sealed record ProgramLine(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The value of an option, given as <c>--option=value</c> or as two arguments.</summary>
    public string this[string option]
    {
        get
        {
            for (int i = 0; i < Arguments.Count; i++)
            {
                if (Arguments[i].StartsWith(option + "=", StringComparison.Ordinal))
                {
                    return Arguments[i][(option.Length + 1)..];
                }

                if (Arguments[i] == option)
                {
                    return Arguments[i + 1];
                }
            }

            throw new InvalidOperationException($"{this} has no {option}.");
        }
    }

    /// <summary>The port of an option's address.</summary>
    public int Port(string option) => PortOf(this[option]);

    /// <summary>The port of HOST:PORT.</summary>
    public static int PortOf(string address) => int.Parse(
        address[(address.LastIndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>From a list of words.</summary>
    public static ProgramLine Of(IEnumerable<string> words)
    {
        string[] all = [.. words];
        return new ProgramLine(Path.GetFileName(all[0]), all[1..]);
    }

    /// <summary>The line with other texts in place of some, as a kubelet, a shell or systemd would put them.</summary>
    public ProgramLine With(params (string Text, string Value)[] values) => this with
    {
        Arguments = [.. Arguments.Select(argument => values.Aggregate(
            argument, (text, pair) => text.Replace(pair.Text, pair.Value, StringComparison.Ordinal)))],
    };

    /// <summary>
    /// Whether the program itself takes the line, with every option and value; it only shows what that comes to.
    /// </summary>
    public async Task AssertIsTakenAsync(IReadOnlyDictionary<string, string>? environment = null)
    {
        string program = Program == "coordinator" ? Shell.Coordinator : Shell.Worker;
        ProgramResult result = await Shell.RunAsync(
            Path.GetTempPath(), environment, program, [.. Arguments, "--show-config"]);
        Assert.True(result.ExitCode == 0, $"{this}\n{result}");
    }

    public override string ToString() => $"{Program} {string.Join(' ', Arguments)}";
}
