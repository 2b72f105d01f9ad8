# gnuplot -c time.gnuplot FOLDER "unconditional scale_3": draws FOLDER/time.svg from FOLDER/*.dat
folder = ARG1
keys = ARG2
title_of(key) = key eq 'unconditional' ? key : 'guided, scale '.key[7:]

rows = words(keys)
load ARG0[:strlen(ARG0)-strlen('time.gnuplot')].'style.gnuplot'
set output folder.'/time.svg'
set multiplot layout rows,2
do for [row=1:rows] {
  key = word(keys, row)
  data = folder.'/'.key.'.dat'
  stats data using 1:2 nooutput
  last = STATS_blocks - 2
  set title title_of(key).': milliseconds a sample'
  unset logscale
  set xtics auto
  set xrange [0:*]
  set yrange [0:*]
  set key top left
  plot for [i=0:last] data index i using 1:4 with linespoints lt i+1 title columnheader(1)
  set title title_of(key).": the sampler's share of the time (%)"
  set logscale xy
  set xtics (5, 10, 15, 20, 25, 50, 100)
  set xrange [4.5:200]
  set yrange [*:*]
  set key off
  plot for [i=0:last] data index i using 1:5 with linespoints lt i+1 title columnheader(1)
}
unset multiplot
