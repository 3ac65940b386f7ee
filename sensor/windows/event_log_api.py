"""The functions of Windows that channels.py and the service call, as ctypes declares them. Imports on Windows only."""

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_events = ctypes.WinDLL("wevtapi", use_last_error=True)
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_HANDLE, _DWORD = wintypes.HANDLE, wintypes.DWORD

EvtSubscribe = _events.EvtSubscribe
EvtSubscribe.restype = _HANDLE
EvtSubscribe.argtypes = (
    *(_HANDLE, _HANDLE, wintypes.LPCWSTR, wintypes.LPCWSTR, _HANDLE, ctypes.c_void_p, ctypes.c_void_p, _DWORD),
)
EvtNext = _events.EvtNext
EvtNext.restype = wintypes.BOOL
EvtNext.argtypes = (_HANDLE, _DWORD, ctypes.POINTER(_HANDLE), _DWORD, _DWORD, ctypes.POINTER(_DWORD))
EvtRender = _events.EvtRender
EvtRender.restype = wintypes.BOOL
EvtRender.argtypes = (
    *(_HANDLE, _HANDLE, _DWORD, _DWORD, ctypes.c_void_p, ctypes.POINTER(_DWORD), ctypes.POINTER(_DWORD)),
)
EvtClose = _events.EvtClose
EvtClose.argtypes = (_HANDLE,)

CreateEventW = _kernel.CreateEventW
CreateEventW.restype = _HANDLE
CreateEventW.argtypes = (ctypes.c_void_p, wintypes.BOOL, wintypes.BOOL, wintypes.LPCWSTR)
SetEvent = _kernel.SetEvent
SetEvent.argtypes = (_HANDLE,)
ResetEvent = _kernel.ResetEvent
ResetEvent.argtypes = (_HANDLE,)
CloseHandle = _kernel.CloseHandle
CloseHandle.argtypes = (_HANDLE,)
WaitForMultipleObjects = _kernel.WaitForMultipleObjects
WaitForMultipleObjects.restype = _DWORD
WaitForMultipleObjects.argtypes = (_DWORD, ctypes.POINTER(_HANDLE), wintypes.BOOL, _DWORD)
