using System.Threading.Channels;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tests.Engines;

public sealed class MachineHostTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly FakeClock _clock = new();
    private readonly Channel<string> _performed = Channel.CreateUnbounded<string>();

    [Fact]
    public async Task Events_AreHandledInOrder_AndEffectsPerformedInOrder()
    {
        await using MachineHost<string, string> host = Host(new EchoMachine());
        Assert.True(host.TryPost("a"));
        Assert.True(host.TryPost("b"));
        using CancellationTokenSource stopping = new();
        Task run = host.RunAsync(stopping.Token);
        Assert.True(await host.PostAsync("c", CancellationToken.None));

        Assert.Equal(["a1 at 0s", "a2 at 0s", "b1 at 0s", "b2 at 0s", "c1 at 0s", "c2 at 0s"], await Take(6));
        await stopping.CancelAsync();
        await run.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Deadline_Passes_TicksOnce()
    {
        await using MachineHost<string, string> host = Host(new AlarmMachine());
        using CancellationTokenSource stopping = new();
        Task run = host.RunAsync(stopping.Token);
        host.TryPost("10");
        Assert.Equal(["set 10s"], await Take(1));
        host.TryPost("echo");
        Assert.Equal(["echo at 0s"], await Take(1));
        await WaitForTimer(changes: 1);

        _clock.Advance(TimeSpan.FromSeconds(9));
        host.TryPost("echo");
        Assert.Equal(["echo at 9s"], await Take(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["alarm at 10s"], await Take(1));

        await stopping.CancelAsync();
        await run.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Deadline_MovesLater_SetsNoTimer_AndEarlier_SetsOne()
    {
        await using MachineHost<string, string> host = Host(new AlarmMachine());
        using CancellationTokenSource stopping = new();
        Task run = host.RunAsync(stopping.Token);
        host.TryPost("10");
        await Take(1);
        await WaitForTimer(changes: 1);
        host.TryPost("20");
        await Take(1);
        _clock.Advance(TimeSpan.FromSeconds(10)); // The timer of the first deadline: an early tick, set anew.
        await WaitForTimer(changes: 2);
        host.TryPost("15");
        await Take(1);
        await WaitForTimer(changes: 3);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["alarm at 15s"], await Take(1));

        await stopping.CancelAsync();
        await run.WaitAsync(s_patience);
    }

    [Fact]
    public async Task FullMailbox_TryPostSaysSo_AndPostAsyncWaits()
    {
        await using MachineHost<string, string> host = Host(new EchoMachine(), capacity: 2);
        Assert.True(host.TryPost("a"));
        Assert.True(host.TryPost("b"));
        Assert.False(host.TryPost("c"));
        ValueTask<bool> waiting = host.PostAsync("c", CancellationToken.None);
        Assert.False(waiting.IsCompleted);

        using CancellationTokenSource stopping = new();
        Task run = host.RunAsync(stopping.Token);
        Assert.True(await waiting.AsTask().WaitAsync(s_patience));
        Assert.Equal("c2 at 0s", (await Take(6))[5]);

        await stopping.CancelAsync();
        await run.WaitAsync(s_patience);
        Assert.False(host.TryPost("late"));
        Assert.False(await host.PostAsync("late", CancellationToken.None));
    }

    [Fact]
    public async Task MachineThrows_ErrorIsReported_AndThrown()
    {
        Exception? reported = null;
        await using MachineHost<string, string> host = new(
            new AlarmMachine(), "tick", _ => { }, _clock, capacity: 8) { OnError = exception => reported = exception };
        host.TryPost("not a number");

        await Assert.ThrowsAsync<FormatException>(() => host.RunAsync(CancellationToken.None).WaitAsync(s_patience));
        Assert.IsType<FormatException>(reported);
        Assert.False(host.TryPost("late"));
    }

    [Fact]
    public async Task ManyEvents_AllocateNothingEach()
    {
        const int Events = 20_000;
        CountingMachine machine = new(Events);
        await using MachineHost<string, string> host = new(machine, "tick", _ => { }, _clock, capacity: Events);
        for (int i = 0; i < Events; i++)
        {
            host.TryPost("e");
        }

        // The loop runs here until the mailbox is empty.
        using CancellationTokenSource stopping = new();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Task run = host.RunAsync(stopping.Token);
        long perEvent = (GC.GetAllocatedBytesForCurrentThread() - before) / Events;
        Assert.Equal(Events, machine.Handled);
        Assert.Equal(0, perEvent);

        await stopping.CancelAsync();
        await run.WaitAsync(s_patience);
    }

    private MachineHost<string, string> Host(IProtocolMachine<string, string> machine, int capacity = 16) =>
        new(machine, "tick", effect => _performed.Writer.TryWrite(effect), _clock, capacity);

    private async Task<List<string>> Take(int count)
    {
        using CancellationTokenSource timeout = new(s_patience);
        List<string> taken = [];
        while (taken.Count < count)
        {
            taken.Add(await _performed.Reader.ReadAsync(timeout.Token));
        }

        return taken;
    }

    /// <summary>The loop sets its timer after the effects are out; there is no event to wait for.</summary>
    private async Task WaitForTimer(int changes)
    {
        for (int i = 0; i < 2000 && _clock.TimerChanges < changes; i++)
        {
            await Task.Delay(1);
        }

        Assert.Equal(changes, _clock.TimerChanges);
    }

    private sealed class EchoMachine : IProtocolMachine<string, string>
    {
        public Timestamp? NextDeadline => null;

        public void Handle(string @event, Timestamp now, ICollection<string> effects)
        {
            effects.Add($"{@event}1 at {now}");
            effects.Add($"{@event}2 at {now}");
        }
    }

    private sealed class AlarmMachine : IProtocolMachine<string, string>
    {
        public Timestamp? NextDeadline { get; private set; }

        public void Handle(string @event, Timestamp now, ICollection<string> effects)
        {
            if (@event == "echo")
            {
                effects.Add($"echo at {now}");
            }
            else if (@event != "tick")
            {
                NextDeadline = new Timestamp(TimeSpan.FromSeconds(int.Parse(@event, null)));
                effects.Add($"set {NextDeadline}");
            }
            else if (now >= NextDeadline)
            {
                NextDeadline = null;
                effects.Add($"alarm at {now}");
            }
        }
    }

    /// <summary>Its deadline is far away and moves with every event.</summary>
    private sealed class CountingMachine(int events) : IProtocolMachine<string, string>
    {
        public Timestamp? NextDeadline { get; private set; }

        public int Handled { get; private set; }

        public void Handle(string @event, Timestamp now, ICollection<string> effects)
        {
            Handled++;
            NextDeadline = now + TimeSpan.FromHours(events + Handled);
        }
    }
}
