using System.Runtime.InteropServices;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary>The first Ctrl+C or SIGTERM asks to save and end; a later one ends the process at once.</summary>
/// <remarks>
/// Ctrl+C ends a run for all; SIGTERM, which service managers send, ends this process's part in it. Which signals are
/// one and the same: <see cref="SignalSequence"/>.
/// </remarks>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _leave = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Action<int> _abort;
    private readonly TextWriter _writer;
    private readonly SignalSequence _sequence;
    private int _exitCode;

    /// <summary>Listens to nobody yet.</summary>
    /// <param name="writer">Gets a line at the first signal.</param>
    /// <param name="abort">Ends the process with a code; null for really doing so.</param>
    /// <param name="clock">Tells signals apart; null for the system's.</param>
    public StopSignals(TextWriter writer, Action<int>? abort = null, TimeProvider? clock = null)
    {
        _writer = writer;
        _sequence = new SignalSequence(clock ?? TimeProvider.System);
        _abort = abort ?? Environment.Exit;
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Cancelled before <see cref="Token"/> if the first signal was SIGTERM.</summary>
    public CancellationToken Leaving => _leave.Token;

    /// <summary>What to end with because of the first signal; null if there was none.</summary>
    public int? ExitCode => Volatile.Read(ref _exitCode) is var code and not 0 ? code : null;

    /// <summary>Listens to the system's signals.</summary>
    public static StopSignals Listen(TextWriter writer)
    {
        StopSignals signals = new(writer);
        signals._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, signals.OnSignal));
        signals._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, signals.OnSignal));
        return signals;
    }

    /// <summary>A signal came, on any thread.</summary>
    public void Receive(PosixSignal signal)
    {
        int code = signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
        switch (_sequence.Next())
        {
            case SignalMeaning.Same:
                return;
            case SignalMeaning.Later:
                _abort(code);
                return;
        }

        Volatile.Write(ref _exitCode, code);

        // First what counts: a terminal that is stopped must not keep the run from ending.
        if (signal == PosixSignal.SIGTERM)
        {
            _leave.Cancel();
        }

        _stop.Cancel();
        _writer.WriteLine("Saving and ending; once more, after 2 s, aborts at once.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _stop.Dispose();
        _leave.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        Receive(context.Signal);
    }
}
