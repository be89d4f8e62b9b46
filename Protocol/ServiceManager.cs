using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Distributed.Protocol;

/// <summary>Tells systemd how this process is, if it asked (<c>Type=notify</c>, <c>WatchdogSec=</c>).</summary>
/// <remarks>
/// Datagrams to the socket that NOTIFY_SOCKET names; a leading <c>@</c> means an abstract one. The watchdog's signs of
/// life come from a timer on the thread pool: they fail when the process is frozen or its pool is starved, not when
/// training waits, which it may do for as long as it likes. Nothing here ever fails a run, or holds it up: the socket
/// has room for some ten datagrams that were not read (net.unix.max_dgram_qlen), and what finds no room is left out.
/// Source: sd_notify(3).
/// </remarks>
public sealed class ServiceManager : IDisposable
{
    /// <summary>Of a process that no service manager watches.</summary>
    public static readonly ServiceManager None = new(null, null);

    /// <summary>How long a line waits for room.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Socket? _socket;
    private readonly Timer? _watchdog;

    /// <summary>Of a service manager that listens at a socket.</summary>
    /// <param name="socket">Its path; null or empty for none.</param>
    /// <param name="limit">A sign of life is due within this time; null if nobody minds.</param>
    internal ServiceManager(string? socket, TimeSpan? limit)
    {
        if (string.IsNullOrEmpty(socket) || OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            // Closing a socket waits for whoever sends on it, and who reads nothing would let them wait for ever.
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
            _socket.Connect(new UnixDomainSocketEndPoint(socket[0] == '@' ? $"\0{socket[1..]}" : socket));
        }
        catch (SocketException)
        {
            _socket?.Dispose();
            _socket = null;
            return;
        }

        if (limit is { } time)
        {
            _watchdog = new Timer(_ => Send("WATCHDOG=1", TimeSpan.Zero), null, TimeSpan.Zero, time / 2);
        }
    }

    /// <summary>Whether anybody listens.</summary>
    public bool IsThere => _socket is not null;

    /// <summary>By the environment of this process.</summary>
    public static ServiceManager OfProcess()
    {
        string? process = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        bool isOurs = string.IsNullOrEmpty(process)
            || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return new ServiceManager(
            Environment.GetEnvironmentVariable("NOTIFY_SOCKET"),
            isOurs && long.TryParse(
                Environment.GetEnvironmentVariable("WATCHDOG_USEC"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out long microseconds) && microseconds > 0
                ? TimeSpan.FromMicroseconds(microseconds)
                : null);
    }

    /// <summary>This process does what it is there for; said again, only the line changes.</summary>
    /// <param name="line">For <c>systemctl status</c>.</param>
    public void Ready(string line) => Send($"READY=1\nSTATUS={line?.ReplaceLineEndings(" ")}", s_patience);

    /// <summary>It was asked to end, and does.</summary>
    public void Stopping() => Send("STOPPING=1", s_patience);

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog?.Dispose();
        _socket?.Dispose();
    }

    private void Send(string text, TimeSpan patience)
    {
        try
        {
            if (_socket is not null && _socket.Poll(patience, SelectMode.SelectWrite))
            {
                _socket.Send(Encoding.UTF8.GetBytes(text));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Whoever does not listen is not told.
        }
    }
}
