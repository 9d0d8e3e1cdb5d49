/* For tests only. Programs of Rust take random numbers from ProcessPrng of bcryptprimitives.dll, which every Windows
   has and wine has from version 9 on. This is that function for older wine. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
