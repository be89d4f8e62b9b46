namespace Distributed.Protocol.Serialization;

/// <summary>The numbers that messages begin with. A number once given is never used for anything else.</summary>
internal static class MessageTag
{
    public const int Join = 1;
    public const int Ready = 2;
    public const int WorkerHeartbeat = 3;
    public const int GradientSum = 4;
    public const int Leave = 5;
    public const int WantData = 6;
    public const int Welcome = 32;
    public const int Refuse = 33;
    public const int CoordinatorHeartbeat = 34;
    public const int Weights = 35;
    public const int Assign = 36;
    public const int Finish = 37;
    public const int DataBlock = 38;
    public const int NoData = 39;
    public const int Coordinators = 40;
    public const int Plan = 41;
    public const int StatusRequest = 64;
    public const int StopRequest = 65;
    public const int StopAccepted = 66;
}
