using System.Globalization;
using Distributed.Protocol.Machines;
using static Distributed.Coordinator.Core.CoordinatorOrder;

namespace Distributed.Coordinator.Core;

/// <summary>Lines for people: one for each worker that comes or goes, and a reminder while some are missing.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>When to say again that workers are missing; null if none are.</summary>
    private Timestamp? _remindAt;

    /// <summary>Ready workers that it takes to go on.</summary>
    private int WorkersWanted => _state == State.WaitingForWorkers ? _options.WorkersMin : 1;

    private void RemindOfMissing(ICollection<CoordinatorOrder> orders)
    {
        if (_state is not (State.WaitingForWorkers or State.Collecting) || WorkersReady >= WorkersWanted)
        {
            _remindAt = null;
            return;
        }

        if (_now >= _remindAt)
        {
            orders.Add(new Announce($"Workers: {CountWorkers()}"));
            _remindAt = null;
        }

        _remindAt ??= _now + _options.ReminderInterval;
    }

    /// <summary>A line about a worker, with the number of those that are ready now.</summary>
    private void Say(Member member, string what, ICollection<CoordinatorOrder> orders)
    {
        string threads = member.Threads == 1 ? "1 thread" : $"{member.Threads} threads";
        string where = member.Host.Length > 0 ? $"{member.Host}, {threads}" : threads;
        orders.Add(new Announce(Printable($"{member.Name} {what}, {CountWorkers()} [{where}]")));
    }

    private string CountWorkers() =>
        WorkersReady < WorkersWanted
            ? $"{WorkersReady} of {WorkersWanted}; waiting for {WorkersWanted - WorkersReady} more"
            : WorkerCount.Text(WorkersReady);

    /// <summary>A name that no member has: the one asked for, or with a number behind it.</summary>
    private string FindName(string asked)
    {
        string name = asked;
        for (int number = 2; _members.Values.Any(member => member.Name == name); number++)
        {
            name = $"{asked}-{number}";
        }

        return name;
    }

    /// <summary>Names come from other machines and go to a terminal, where some characters do more than show.</summary>
    private static string Printable(string text) => string.Concat(text.Select(character =>
        char.GetUnicodeCategory(character) is UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? '?' : character));
}
