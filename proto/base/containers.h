/*
 * Containers: what a file may be to be looked into, by the names of FFmpeg's demuxers. Both programs agree on it: what
 * one accepts the other plays, and neither opens anything else. Not on the list: what names other files or
 * addresses (playlists, concat scripts, image patterns), pictures that stand still, subtitles, and formats that take
 * any text or bytes for pictures or sound (tty, bintext, raw samples).
 */
#pragma once

#define CONTAINERS_OF_FILMS                                                                                            \
        "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpeg,mpegts,mpegvideo,ogg,asf,flv,live_flv,rm,mxf,gxf,nut,wtv,dv,"  \
        "h264,hevc,m4v,obu,av1,vc1,yuv4mpegpipe,ivf"
#define CONTAINERS_OF_SOUND "mp3,aac,ac3,eac3,dts,flac,wav,w64,aiff,caf,tta,wv"
#define CONTAINERS CONTAINERS_OF_FILMS "," CONTAINERS_OF_SOUND
